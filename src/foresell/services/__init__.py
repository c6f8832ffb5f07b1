"""What Foresell does for a user, one file a part: `verb(shop, request) -> response`."""

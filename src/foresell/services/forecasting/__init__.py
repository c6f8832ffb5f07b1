"""What will be sold: judged, fitted, asked, explained."""

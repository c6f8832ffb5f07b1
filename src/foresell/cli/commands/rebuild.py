"""`foresell rebuild`: derive the tables again."""

from foresell.cli.options import Json, Store, open_given


def rebuild(store: Store = None, as_json: Json = False) -> None:
    """Derive every table again from the raw zone: to the same rows, run ids and times."""
    from foresell.cli.output import print_fields, print_json, print_note, progress_bar
    from foresell.services.upkeep import rebuild as rebuild_store

    shop = open_given(store)
    with progress_bar() as progress:
        rebuilt = rebuild_store(shop, progress)
    if as_json:
        print_json(rebuilt.as_record())
        return
    print_fields({"runs applied": rebuilt.num_runs, **rebuilt.num_rows})
    changed = ", ".join(rebuilt.changed)
    print_note(f"Not the same rows as before: {changed}." if changed else "The same rows as before.")

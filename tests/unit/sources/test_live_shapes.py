"""Events as GA4 and Segment send them: nothing that was said is lost on the way."""

from datetime import UTC, datetime

from foresell.sources.live.ga4 import GA4
from foresell.sources.live.segment import SEGMENT

AT = datetime(2024, 3, 1, 12, tzinfo=UTC)


def test_what_no_product_takes_stays_with_the_event():
    said = {"price": 50, "quantity": 2, "total": 100, "revenue": 90, "position": 3}
    call = {"type": "track", "event": "Gift Card Bought", "messageId": "m", "properties": said}
    [event] = SEGMENT.unpack(call, AT)
    assert event["value"] == 100
    kept = {name: event["properties"][name] for name in said if name in event["properties"]}
    assert kept == {"price": 50, "quantity": 2, "revenue": 90, "position": 3}


def test_what_a_product_takes_is_not_said_twice():
    said = {"product_id": "p", "price": 50, "value": 50}
    call = {"type": "track", "event": "Product Viewed", "messageId": "m", "properties": said}
    [event] = SEGMENT.unpack(call, AT)
    assert event["items"] == [{"product_id": "p", "price": 50}]
    assert event["properties"] is None


def test_two_events_of_a_request_that_say_the_same_are_two():
    body = {"client_id": "v", "events": [{"name": "page_view"}, {"name": "page_view"}]}
    first, second = GA4.unpack(body, AT)
    assert first["event_id"] != second["event_id"]
    assert first["occurred_at"] < second["occurred_at"]


def test_an_event_that_says_its_time_is_the_same_when_it_is_sent_again():
    event = {"name": "page_view", "timestamp_micros": 1709294400000000}
    [first] = GA4.unpack({"client_id": "v", "events": [event]}, AT)
    _, again = GA4.unpack({"client_id": "v", "events": [{"name": "scroll"}, event]}, AT)
    assert first["event_id"] == again["event_id"]

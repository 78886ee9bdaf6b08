"""Windows of quotas: "Quotas and periods" of `docs/token-format.md`."""

import calendar
from datetime import datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
DAY = 86400
FIXED = {1: 60, 2: 3600, 3: DAY}
MONTHS = {5: 1, 6: 12, -5: 1, -6: 12}


def window(period, time):
    """The first second of the window that a time falls into, and the first after it; none where it never ends."""
    if isinstance(period, int):
        if period == 0:
            return 0, None
        if period in FIXED:
            return _equal(FIXED[period], 0, time)
        if period == 4:
            # 1970-01-05 was a Monday.
            return _equal(7 * DAY, 4 * DAY, time)
        return _calendar(MONTHS[period], 0, time)
    unit, anchor = period
    if unit < 0:
        return _calendar(MONTHS[unit], anchor, time)
    return _equal(unit, anchor, time)


def _equal(length, anchor, time):
    start = anchor + (time - anchor) // length * length
    return max(start, 0), start + length


def _calendar(months, anchor, time):
    """Windows of whole months, each start counted from the anchor itself."""
    first, of_day = divmod(anchor, DAY)
    date = EPOCH + timedelta(days=first)
    begun = date.year * 12 + date.month - 1
    now = EPOCH + timedelta(days=time // DAY)
    steps = (now.year * 12 + now.month - 1 - begun) // months

    def start(step):
        year, month = divmod(begun + step * months, 12)
        if year > 9999:
            return _after_9999(begun + step * months, date.day) + of_day
        days = calendar.monthrange(year, month + 1)[1]
        day = datetime(year, month + 1, min(date.day, days), tzinfo=timezone.utc)
        return (day - EPOCH) // timedelta(seconds=1) + of_day

    while start(steps) > time:
        steps -= 1
    while start(steps + 1) <= time:
        steps += 1
    return max(start(steps), 0), start(steps + 1)


def _after_9999(months, day):
    """The same in the 400 years that follow those of `datetime`, whose calendar is that of 400 years before."""
    year, month = divmod(months - 400 * 12, 12)
    days = calendar.monthrange(year, month + 1)[1]
    before = datetime(year, month + 1, min(day, days), tzinfo=timezone.utc)
    return (before - EPOCH) // timedelta(seconds=1) + 146097 * DAY

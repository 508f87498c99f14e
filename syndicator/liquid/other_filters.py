"""Filters on numbers, dates, URLs and values of any type."""

import datetime as dt
import json
import math
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from syndicator.liquid.context import Context
from syndicator.liquid.limits import Allowance, LiquidLimitError, Meter
from syndicator.liquid.values import Number, get, is_array, to_i, to_number, to_s, undefined_to_none
from syndicator.ruby.dates import to_date
from syndicator.ruby.strftime import ordinal, strftime
from syndicator.ruby.uris import is_absolute, join_address

#: Characters of a date format. Each directive writes up to 999 and takes some microseconds.
_MAX_FORMAT = 1_000


def plus(_: Context, value: object, other: object) -> Number:
    return _exact(value, other, lambda a, b: a + b)


def minus(_: Context, value: object, other: object) -> Number:
    return _exact(value, other, lambda a, b: a - b)


def times(_: Context, value: object, other: object) -> Number:
    return _exact(value, other, lambda a, b: a * b)


def divided_by(_: Context, value: object, other: object) -> Number:
    left, right = to_number(value), to_number(other)
    return left // right if isinstance(left, int) and isinstance(right, int) else left / right


def modulo(_: Context, value: object, other: object) -> Number:
    return to_number(value) % to_number(other)


def abs_(_: Context, value: object) -> Number:
    return abs(to_number(value))


def ceil(_: Context, value: object) -> int:
    return math.ceil(to_number(value))


def floor(_: Context, value: object) -> int:
    return math.floor(to_number(value))


def round_(_: Context, value: object, digits: object = 0) -> Number:
    """Round halves away from zero, as in Ruby."""
    number, places = to_number(value), min(max(to_i(digits), -300), 300)
    try:
        rounded = Decimal(str(number)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    except InvalidOperation:  # more digits than the number has
        return number
    return float(rounded) if places > 0 and isinstance(number, float) else int(rounded)


def at_least(_: Context, value: object, least: object) -> Number:
    return max(to_number(value), to_number(least))


def at_most(_: Context, value: object, most: object) -> Number:
    return min(to_number(value), to_number(most))


def to_integer(_: Context, value: object) -> int:
    return to_i(value)


def _exact(value: object, other: object, operate: Callable[[Decimal, Decimal], Decimal]) -> Number:
    left, right = to_number(value), to_number(other)
    if isinstance(left, int) and isinstance(right, int):
        return operate(left, right)  # type: ignore[arg-type, return-value]
    return float(operate(Decimal(str(left)), Decimal(str(right))))


def default(
    _: Context, value: object, other: object = "", *, allow_false: object = False
) -> object:
    if value is False and undefined_to_none(allow_false):
        return value
    empty = (
        value is None
        or value is False
        or ((is_array(value) or isinstance(value, (str, Mapping))) and not value)
    )
    return other if empty else value


def date(context: Context, value: object, form: object) -> object:
    format_ = to_s(form)
    if len(format_) > _MAX_FORMAT:
        raise LiquidLimitError(
            f"the Liquid has a date format of more than {_MAX_FORMAT:,} characters", token=None
        )
    context.run.meter.spend(len(format_) // 2)
    time = to_date(value, context.run.zone, _now(context, value)) if format_ else None
    return value if time is None else strftime(time, format_)


def date_to_xmlschema(context: Context, value: object) -> object:
    return _format_date(context, value, "%Y-%m-%dT%H:%M:%S%:z")


def date_to_rfc822(context: Context, value: object) -> object:
    return _format_date(context, value, "%a, %d %b %Y %H:%M:%S %z")


def date_to_string(
    context: Context, value: object, kind: object = None, style: object = None
) -> object:
    return _format_date(context, value, "%d %b %Y", kind, style)


def date_to_long_string(
    context: Context, value: object, kind: object = None, style: object = None
) -> object:
    return _format_date(context, value, "%d %B %Y", kind, style)


def _format_date(
    context: Context, value: object, form: str, kind: object = None, style: object = None
) -> object:
    """A date in the site's zone (jekyll/lib/jekyll/filters/date_filters.rb)."""
    if not to_s(value):
        return value
    time = to_date(value, context.run.zone, _now(context, value))
    if time is None:
        raise ValueError(f"'{to_s(value)}' is not a date")
    time = time.astimezone(context.run.zone)
    if kind == "ordinal":
        day, month = ordinal(time.day), form.split()[1]
        form = f"{month} {day}, %Y" if style == "US" else f"{day} {month} %Y"
    return strftime(time, form)


def _now(context: Context, value: object) -> dt.datetime | None:
    """The time for the values "now" and "today"; None for other values."""
    return (
        context.run.today()
        if isinstance(value, str) and value.strip().lower() in ("now", "today")
        else None
    )


def relative_url(context: Context, value: object) -> str | None:
    return _address(context, value, "", context.run.site.baseurl)


def absolute_url(context: Context, value: object) -> str | None:
    return _address(context, value, context.run.site.url, context.run.site.baseurl)


def strip_index(_: Context, value: object) -> object:
    text = to_s(value)
    for index in ("/index.html", "/index.htm"):
        if text.endswith(index):
            return text.removesuffix(index) + "/"
    return value


def _address(context: Context, value: object, url: str, baseurl: str) -> str | None:
    if value is None:
        return None
    address = to_s(get(value, "url") if isinstance(value, Mapping) else value)
    context.run.meter.spend(len(address) // 2)
    return address if is_absolute(address) else join_address(url, baseurl, address)


def jsonify(context: Context, value: object) -> str:
    return json.dumps(
        _json_value(value, context.run.meter, Allowance()),
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _json_value(value: object, meter: Meter, allowance: Allowance) -> object:
    meter.spend()
    allowance.spend(len(value) if isinstance(value, str) else 0)
    value = undefined_to_none(value)
    if isinstance(value, Mapping):
        return {to_s(key): _json_value(item, meter, allowance) for key, item in value.items()}
    if is_array(value):
        return [_json_value(item, meter, allowance) for item in value]  # type: ignore[attr-defined]
    return (
        to_s(value)
        if isinstance(value, dt.date) or not isinstance(value, (str, int, float, type(None)))
        else value
    )


FILTERS: dict[str, Callable[..., object]] = {
    each.__name__.rstrip("_"): each
    for each in (
        *(plus, minus, times, divided_by, modulo, abs_, ceil, floor, round_),
        *(at_least, at_most, to_integer, default),
        *(date, date_to_xmlschema, date_to_rfc822, date_to_string, date_to_long_string),
        *(relative_url, absolute_url, strip_index, jsonify),
    )
}

"""The proleptic Gregorian calendar over all years, as Go's time package counts it (datetime stops at year 1)."""

DAY = 86_400
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_leap(year: int) -> bool:
    """Return whether February has 29 days."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def month_length(year: int, month: int) -> int:
    """Return the number of days in a month from 1 to 12."""
    return 29 if month == 2 and is_leap(year) else _LENGTHS[month - 1]


def days_from_date(year: int, month: int, day: int) -> int:
    """Return days since 1970-01-01. Months and days beyond their range carry over, as in time.Date."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    year -= month <= 2
    era_year = year % 400
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return year // 400 * 146_097 + era_year * 365 + era_year // 4 - era_year // 100 + day_of_year - 719_468


def date_from_days(days: int) -> tuple[int, int, int]:
    """Return (year, month, day) of a number of days since 1970-01-01."""
    era, rest = divmod(days + 719_468, 146_097)
    year_of_era = (rest - rest // 1460 + rest // 36_524 - rest // 146_096) // 365
    day_of_year = rest - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return era * 400 + year_of_era + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1


def weekday(days: int) -> int:
    """Return 0 for Sunday to 6 for Saturday."""
    return (days + 4) % 7


def iso_week(days: int) -> tuple[int, int]:
    """Return the ISO 8601 year and week."""
    thursday = days - (weekday(days) - 1) % 7 + 3
    year = date_from_days(thursday)[0]
    return year, (thursday - days_from_date(year, 1, 1)) // 7 + 1

"""What `services.photoprism.index_schedule` takes: exactly what PhotoPrism reads and acts on.

The verdicts are those of robfig/cron v3.0.1 (`ParseStandard`), asked in Go the way PhotoPrism asks it: lower case, outer
spaces dropped. Another 200,000 made-up ones were compared once.
"""

# ruff: noqa: RUF001 - wide digits are refused, too

from __future__ import annotations

import pytest

from components.photoprism_cron import index_schedule
from components.services.photoprism import PhotoPrismConfig

READ = """
0 3 * * *|*/5 * * * *|0 */3 * * *|0 3 * * 0|0 3 * * 6|0 3 * * sun|0 3 * * MON|0 3 * * Mon-Fri|0 3 1 jan *|0 3 1 JAN-mar *
0 3 ? * *|0 3 * * ?|? ? ? ? ?|5/15 * * * *|10-50/20 * * * *|0,30 4 * * *|1,2,3,10-20/5 * * * *|00 03 * * *|+5 +3 * * *
0 0 31 1,4 *|0 0 29 2 *|0 0 30 2 mon|0 0 30 2 */2|0 0 1,15 * mon-fri|*-5 3 * * *|*/1 * * * *|*/90 3 * * *
0,, 3 * * *|,5 3 * * *|0 3 * * */9223372036854775807| 0 3 * * * |0  3  *  *  *|0 23 31 12 *|59 23 * * *
daily|weekly|Daily|@daily|@Daily|@midnight|@hourly|@weekly|@monthly|@yearly|@annually|@DAILY
@every 3h|@every 90m|@every 1h30m|@every 1H30M|@every 1.5h|@every .5h|@every 5.h|@every +3h|@every 30s|@every 2000ms
@every 1h1h|@every 86400s|@EVERY 3h|@every 0.5h30m| @every 3h |@every 2562047h|@every 9000000000us
"""
REFUSED = """
0 3 * * 7|0 0 3 * * *|0 3 * *|0 3 * * * 2027|60 3 * * *|0 24 * * *|0 3 0 * *|0 3 32 * *|0 3 * 0 *|0 3 * 13 *|0 3 * * 0-7
0 3 * * sun-7|0 3 * * sat-sun|0 3 * * monday|0 3 * * Mo|0 3 * january *|0 3 L * *|0 3 * * 5#2|0 3 * * L|0 3 W * *
H 3 * * *|0 5-1 * * *|0 22-4 * * *|*/0 * * * *|*/-5 * * * *|*/ * * * *|/5 * * * *|5/ * * * *|1-5-7 * * * *|*/2/3 * * * *
-5 3 * * *|1.5 3 * * *|0x1 3 * * *|1_0 3 * * *|２ 3 * * *|0;3 * * *|mon 3 * * *|0 3 sun * *|0 3 * sun *|99999999999999999999 * * * *
*/99999999999999999999 * * * *|TZ=UTC 0 3 * * *|CRON_TZ=Asia/Shanghai 0 3 * * *|TZ=UTC|every 3h|@every|@every3h|@every 3
@every  3h|@every h|@every 3d|@every 1w|@every 1h 30m|@every 3 h|@every 1,5h|@every 1e3s|@every 3h-|@every +-3h|@every .h
@every 2562048h|@every 99999999999999999999h|@every １h|@reboot|@never|@|@daily 3|@ daily|never|off|none|monthly|hourly|3h|* * * *
"""
NEVER = "0 3 30 2 *|0 3 31 feb *|0 3 31 4,6,9,11 *|, 3 * * *|0 , * * *|0 3 * * ,|0 3 , * *"
AT_ONCE = "@every 0|@every 0s|@every -3h|@every 1ms|@every 999999us|@every -0s|@every 0.9s"


def words(table: str) -> list[str]:
    return [word for line in table.split("\n") if line for word in line.split("|")]


@pytest.mark.parametrize("schedule", [*words(READ), ""])
def test_what_photoprism_reads_is_taken_as_it_is(schedule: str) -> None:
    assert index_schedule(schedule) == schedule


@pytest.mark.parametrize("schedule", [*words(REFUSED), " ", "\t"])
def test_what_photoprism_takes_for_never_is_refused(schedule: str) -> None:
    with pytest.raises(ValueError, match=r'is not a schedule that PhotoPrism reads.*Write five fields, e\.g\. "0 3'):
        index_schedule(schedule)


@pytest.mark.parametrize("schedule", words(NEVER))
def test_what_never_comes_is_refused(schedule: str) -> None:
    with pytest.raises(ValueError, match=r'never comes.*or "" for never'):
        index_schedule(schedule)


@pytest.mark.parametrize("schedule", words(AT_ONCE))
def test_a_pause_that_photoprism_makes_a_second_is_refused(schedule: str) -> None:
    with pytest.raises(ValueError, match=r"would be every second.*e\.g\. \"@every 3h\""):
        index_schedule(schedule)


@pytest.mark.parametrize(
    ("schedule", "why"),
    [
        ("0 3 * * 7", "the weekday is 0-6, from small to large; Sunday is 0"),
        ("0 0 3 * * *", "PhotoPrism takes no field for seconds"),
        ("0 24 * * *", "the hour is 0-23"),
        ("0 3 * * monday", "monday is no weekday"),
        ("@every 3", "stands a pause such as 90m or 1h30m, with its unit"),
    ],
)
def test_the_reason_is_the_one_that_applies(schedule: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        PhotoPrismConfig(index_schedule=schedule)


def test_what_the_messages_say_to_write_is_taken() -> None:
    for schedule in ("0 3 * * *", "@every 3h", "", "@every 90m", "@every 1h30m"):
        assert PhotoPrismConfig(index_schedule=schedule).index_schedule == schedule

"""What a trigger gathers towards its condition, as it is stored."""

from dataclasses import replace
from typing import Any

from eventflow.sensors.gathering import Gathering
from eventflow.sensors.join import Arrival
from eventflow.sensors.load import Sensor, dependency, trigger


def sensor(resets: list[dict[str, Any]] | None = None, **filters: str) -> Sensor:
    names = ("a", "b", "c")
    dependencies = {
        name: dependency(
            {
                "name": name,
                "eventSourceName": "s",
                "eventName": name,
                **({"filters": {"cel": filters[name]}} if name in filters else {}),
            }
        )
        for name in names
    }
    template = {"name": "t", "conditions": "a && b || c && b", "log": {}, "conditionsReset": resets or []}
    return Sensor("default", "s", "uid", 1, dependencies, (trigger({"template": template}, names),))


def take(gathering: Gathering, name: str, seq: int, of: Sensor | None = None, at: float = 0.0) -> Any:
    of = of or sensor()
    return gathering.advance(of, of.triggers[0], Arrival(frozenset({name}), str(seq), at), {})


def test_the_latest_event_of_a_dependency_supersedes_the_one_that_waits() -> None:
    first, fired = take(Gathering(), "a", 1)
    second, fired = take(first, "a", 2)
    assert fired is None
    assert second.positions == {2}
    assert second.lost == {1: "superseded"}


def test_a_condition_that_holds_takes_all_that_waits_along() -> None:
    one, _ = take(Gathering(), "a", 1)
    two, _ = take(one, "c", 2)
    three, fired = take(two, "b", 3)
    assert fired == {"a": "1", "b": "3", "c": "2"}
    assert three.positions == frozenset()
    assert not three.lost


def test_what_was_stored_is_what_is_read() -> None:
    gathering, _ = take(Gathering(), "a", 1)
    assert Gathering.load(gathering.dump()) == gathering
    assert Gathering.load(None) == Gathering()


def test_an_edited_dependency_loses_what_waits_for_it_and_the_others_keep_theirs() -> None:
    one, _ = take(Gathering(), "a", 1)
    two, _ = take(one, "c", 2)
    edited = sensor(a="data.x == 1")
    current = two.current(edited, edited.triggers[0], 10.0)
    assert current.positions == {2}
    assert current.lost == {1: "sensor-changed"}


def test_a_reset_drops_what_was_received_before_it() -> None:
    resetting = sensor([{"byTime": {"cron": "0 0 * * *"}}])
    day = 86_400.0
    gathering, _ = take(Gathering(), "a", 1, resetting, at=day * 10 + 100)
    gathering, _ = take(gathering, "c", 2, resetting, at=day * 11 + 100)
    current = gathering.current(resetting, resetting.triggers[0], day * 11 + 200)
    assert current.positions == {2}
    assert current.lost == {1: "reset"}


def test_transformed_data_waits_with_its_event() -> None:
    of = sensor()
    arrival = Arrival(frozenset({"a"}), "1", 0.0)
    waiting, _ = Gathering().advance(of, of.triggers[0], arrival, {"a": '{"x":1}'})
    assert waiting.transformed == {"a": '{"x":1}'}
    fired, _ = take(waiting, "b", 2)
    assert fired.transformed == {}


def test_one_event_for_both_sides_fires_at_once() -> None:
    of = sensor()
    both = replace(of, dependencies=of.dependencies)
    gathering, fired = Gathering().advance(both, both.triggers[0], Arrival(frozenset({"a", "b"}), "7", 0.0), {})
    assert fired == {"a": "7", "b": "7"}
    assert not gathering.positions

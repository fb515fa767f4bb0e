"""Plans an instance file and, if asked, has the plan checked twice: `garagectl plan`.

Decides how a file becomes an answer: reading, planning, a replay of the moves by the simulator's side,
a second solver where the instance is small enough. The planning itself is `scheduler.exact`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from runtime.second_solver import SecondSolverUnavailable, second_opinion
from scheduler.exact import solve
from scheduler.instance import Instance
from scheduler.instance_json import instance_from_json, instance_to_json
from scheduler.json_nodes import InstanceError
from scheduler.plan import Plan
from sim.plan_replay import replay

PASSED, FAILED, NOT_POSSIBLE = "passed", "failed", "not_possible"


def read_instance(path: Path) -> Instance:
    """Read an instance file; raises InstanceError with the path of the offending field."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InstanceError("", f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InstanceError("", f"{path} is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise InstanceError(
            "", f"{path} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from error
    except ValueError as error:
        # Python reads no whole number of more than 4,300 digits.
        raise InstanceError("", f"{path} has a number that is too long") from error
    except RecursionError as error:
        raise InstanceError("", f"{path} is nested too deeply") from error
    return instance_from_json(data)


def plan_file(path: Path, verify: bool = False) -> dict[str, Any]:
    """The plan of an instance file as docs/planning.md describes it.

    With `verify` it carries `checks`; `checks_hold` tells whether none of them failed. Raises
    InstanceError for a file that cannot be planned.
    """
    instance = read_instance(path)
    plan = solve(instance)
    answer = plan.to_json()
    if verify:
        answer["checks"] = [_replayed(instance, answer), _second(instance, plan)]
    return answer


def checks_hold(answer: dict[str, Any]) -> bool:
    """Whether no check of a verified plan failed; the exit code follows from it."""
    return all(check["result"] != FAILED for check in answer.get("checks", ()))


def _replayed(instance: Instance, answer: dict[str, Any]) -> dict[str, str]:
    problems = replay(instance_to_json(instance), answer)
    detail = "; ".join(problems) if problems else f"{len(answer['moves'])} moves keep R1 to R5, figures agree"
    return {"check": "replay", "result": FAILED if problems else PASSED, "detail": detail}


def _second(instance: Instance, plan: Plan) -> dict[str, str]:
    try:
        second = second_opinion(instance)
    except SecondSolverUnavailable as error:
        return {"check": "second_solver", "result": NOT_POSSIBLE, "detail": str(error)}
    found = (second.emergency_ms, second.beyond_age_ms, second.weighted_ms)
    mine = (plan.cost.emergency_ms, plan.cost.beyond_age_ms, plan.cost.weighted_ms)
    detail = f"CP-SAT {'proves' if second.proven else 'finds'} {found} in {second.seconds:.2f} s, the plan costs {mine}"
    wrong = found < mine if plan.optimal else False
    if second.proven:
        wrong = wrong or mine < found or second.weighted_ms < plan.lower_bound.weighted_ms
    return {"check": "second_solver", "result": FAILED if wrong else PASSED, "detail": detail}

"""The crowd's way to a garage in another process: asks go out over HTTP, notices are read back.

Decides how asks are spelt as requests, and how two looks at the garage become notices. What people
want is decided in `sim.people`. A garage that does not answer is asked again, calmly and with the same
idempotency keys, so nothing is asked twice.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpx2

from domain.ids import BayId, ChargingId, JobId, Plate, SpotId
from domain.refusals import RefusalCode
from domain.vehicle import Vehicle
from sim.asks import (
    Answered,
    Ask,
    BookAsk,
    ChargeAsk,
    ChargingGranted,
    ChargingOver,
    ClearAsk,
    GiveUpAsk,
    JobEnded,
    Notice,
    RetrievalAsk,
    SessionOpened,
    StopChargeAsk,
    StorageAsk,
)
from sim.people import Crowd

log = logging.getLogger("garage.crowd")

POLL_S = 0.3
AWAY_POLL_S = 2.0
_OPEN = "open"
_FINAL = frozenset({"done", "cancelled", "failed"})
_REFUSALS = frozenset(code.code for code in RefusalCode)

Json: TypeAlias = dict[str, Any]


class GarageAway(Exception):
    """The garage does not answer, or not in its own language; ask again later."""


@dataclass(frozen=True, slots=True)
class _Letter:
    """An ask that has no answer yet, with the key that makes sending it again harmless."""

    ask: Ask
    key: str


class HttpDesk:
    """Carries asks and notices between a crowd and `/api/v1`.

    Args:
        client: has the base URL and the service role's token (see `service_client`).
        crowd: the people.
        now_ms: present plant time.
        run_name: differs at each start of the process, so that keys of an earlier run never match.
        poll_s: wall time between two looks at the garage.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient,
        crowd: Crowd,
        now_ms: Callable[[], int],
        *,
        run_name: str,
        poll_s: float = POLL_S,
    ) -> None:
        self.trouble = ""
        """Why the garage could not be reached the last time; empty when all is well."""
        self._client = client
        self._crowd = crowd
        self._now_ms = now_ms
        self._run_name = run_name
        self._poll_s = poll_s
        self._letters: list[_Letter] = []
        self._answers: list[Answered] = []
        self._sent = 0
        self._open: set[str] = set()
        self._ended: set[str] | None = None
        self._charging: dict[SpotId, tuple[ChargingId, Plate]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Look, act and ask until `stop` is set; returns at once then."""
        while not stop.is_set():
            pause_s = self._poll_s
            try:
                await self.turn()
                self._tell_trouble("")
            except GarageAway as away:
                self._tell_trouble(str(away))
                pause_s = max(self._poll_s, AWAY_POLL_S)
            try:
                await asyncio.wait_for(stop.wait(), pause_s)
            except TimeoutError:
                continue

    async def turn(self) -> None:
        """One look at the garage, what people do about it, and what they ask; raises GarageAway."""
        notices: list[Notice] = [*await self._look()]
        answers, self._answers = self._answers, []
        for ask in self._crowd.act(self._now_ms(), [*answers, *notices]):
            self._sent += 1
            self._letters.append(_Letter(ask, f"{self._run_name}-{self._sent}"))
        await self._send()

    def _tell_trouble(self, trouble: str) -> None:
        if trouble and not self.trouble:
            log.warning("the crowd cannot reach the garage: %s", trouble)
        elif self.trouble and not trouble:
            log.info("the crowd reaches the garage again")
        self.trouble = trouble

    # --- looking ----------------------------------------------------------------------------------

    async def _look(self) -> list[Notice]:
        jobs, spots = await asyncio.gather(self._get("/api/v1/jobs"), self._get("/api/v1/spots"))
        charging = await self._charging_notices(spots)
        return [*self._job_notices(jobs), *charging]

    def _job_notices(self, body: Json) -> list[Notice]:
        notices: list[Notice] = []
        open_now: set[str] = set()
        ended_now: set[str] = set()
        for job in body["jobs"]:
            if job["state"] in _FINAL:
                ended_now.add(job["job"])
                # What had ended before the first look is no news.
                if self._ended is not None and job["job"] not in self._ended:
                    ok = job["state"] == "done"
                    notices.append(JobEnded(JobId(job["job"]), Plate(job["plate"]), job["kind"], ok))
            elif job["session_state"] == _OPEN:
                open_now.add(job["job"])
                if job["job"] not in self._open:
                    notices.append(_session_opened(job))
        self._open = open_now
        self._ended = ended_now
        return notices

    async def _charging_notices(self, body: Json) -> list[Notice]:
        present = {SpotId(spot["id"]): ChargingId(spot["charging"]) for spot in body["spots"] if spot["charging"]}
        begun = [(s, c) for s, c in present.items() if self._charging.get(s, (None,))[0] != c]
        # All are asked for before anything is remembered: a failure here must lose no notice.
        sessions = await asyncio.gather(*(self._get(f"/api/v1/charging-sessions/{c}") for _, c in begun))
        notices: list[Notice] = []
        for spot, (charging, plate) in list(self._charging.items()):
            if present.get(spot) != charging:
                notices.append(ChargingOver(spot, plate))
                del self._charging[spot]
        for (spot, charging), session in zip(begun, sessions, strict=True):
            plate = Plate(session["plate"])
            self._charging[spot] = (charging, plate)
            notices.append(ChargingGranted(charging, spot, plate))
        return notices

    async def _get(self, path: str) -> Json:
        try:
            response = await self._client.get(path)
        except httpx2.HTTPError as error:
            raise GarageAway(f"{path}: {type(error).__name__} {error}") from error
        if response.status_code != 200:
            raise GarageAway(f"{path}: status {response.status_code}")
        return _json(response)

    # --- asking -----------------------------------------------------------------------------------

    async def _send(self) -> None:
        """All letters at once; those without an answer stay for the next turn."""
        letters, self._letters = self._letters, []
        results = await asyncio.gather(*(self._post(letter) for letter in letters), return_exceptions=True)
        away: GarageAway | None = None
        for letter, result in zip(letters, results, strict=True):
            if isinstance(result, Answered):
                self._answers.append(result)
            elif isinstance(result, GarageAway):
                self._letters.append(letter)
                away = result
            elif result is not None:
                raise result
        if away is not None:
            raise away

    async def _post(self, letter: _Letter) -> Answered:
        ask = letter.ask
        if isinstance(ask, StopChargeAsk) and ask.spot not in self._charging:
            return Answered(ask, accepted=False, code=RefusalCode.NOT_CHARGING.code)
        path, body = self._request(ask)
        try:
            response = await self._client.post(path, json=body, headers={"Idempotency-Key": letter.key})
        except httpx2.HTTPError as error:
            raise GarageAway(f"{path}: {type(error).__name__} {error}") from error
        answer = _json(response)
        if response.is_success:
            if isinstance(ask, ClearAsk):
                # The gate shuts now; if it is open at the next look, it has opened once more.
                self._open.discard(ask.job)
            return Answered(
                ask, accepted=True, id=str(answer.get("job") or answer.get("charging") or answer.get("booking") or "")
            )
        code = str(answer.get("code", ""))
        if code in _REFUSALS or response.status_code in (400, 404, 422):
            return Answered(ask, accepted=False, code=code)
        raise GarageAway(f"{path}: status {response.status_code} {code}")

    def _request(self, ask: Ask) -> tuple[str, Json | None]:
        match ask:
            case StorageAsk():
                car = {
                    "length_mm": ask.vehicle.length_mm,
                    "width_mm": ask.vehicle.width_mm,
                    "height_mm": ask.vehicle.height_mm,
                    "mass_kg": ask.vehicle.mass_kg,
                }
                leaves = None if ask.leaves is None else _clock(*ask.leaves)
                return "/api/v1/storages", {"plate": ask.plate, "vehicle": car, "pin": ask.pin, "leaves": leaves}
            case RetrievalAsk():
                return "/api/v1/retrievals", {"plate": ask.plate, "pin": ask.pin}
            case BookAsk():
                wish = {"kind": "departure", **_clock(ask.day, ask.minute_of_day)}
                return "/api/v1/bookings", {"plate": ask.plate, "pin": ask.pin, **wish}
            case ClearAsk():
                return f"/api/v1/jobs/{ask.job}/clear", None
            case GiveUpAsk():
                return f"/api/v1/jobs/{ask.job}/cancel", None
            case ChargeAsk():
                body = {"plate": ask.plate, "pin": ask.pin, "spot": ask.spot}
                return "/api/v1/charging-sessions", body
            case StopChargeAsk():
                charging, _ = self._charging[ask.spot]
                return f"/api/v1/charging-sessions/{charging}/stop", {"pin": ask.pin}


def _clock(day: int, minute_of_day: int) -> dict[str, str]:
    """A local day and minute as the API writes them."""
    hour, minute = divmod(minute_of_day, 60)
    date = dt.date(1970, 1, 1) + dt.timedelta(days=day)
    return {"at": f"{hour:02d}:{minute:02d}", "date": date.isoformat()}


def service_client(base_url: str, token: str, *, timeout_s: float = 5.0) -> httpx2.AsyncClient:
    """A client that speaks for the service role."""
    headers = {"Authorization": f"Bearer {token}"}
    # Without a proxy from the environment: the garage is on this computer or its own network.
    return httpx2.AsyncClient(base_url=base_url, headers=headers, timeout=timeout_s, trust_env=False)


def _session_opened(job: Mapping[str, Any]) -> SessionOpened:
    car = job["vehicle"]
    vehicle = Vehicle(car["class_code"], car["length_mm"], car["width_mm"], car["height_mm"], car["mass_kg"])
    return SessionOpened(JobId(job["job"]), job["kind"], Plate(job["plate"]), vehicle, BayId(job["bay"]))


def _json(response: httpx2.Response) -> Json:
    try:
        body = response.json()
    except ValueError as error:
        raise GarageAway(f"{response.url.path}: no JSON, status {response.status_code}") from error
    if not isinstance(body, dict):
        raise GarageAway(f"{response.url.path}: unexpected answer, status {response.status_code}")
    return body

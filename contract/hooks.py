"""What the fuzzing of the service knows beyond the OpenAPI document.

The document says which form a value has. It can't say which words the catalogue in force has, which
requests are stored, in which state they are, and which version of them is the latest. A case that is to
be accepted is given those here, and nothing else: what the document does say stays as it was generated.
Cases that are to be refused are left alone.
"""

import atexit
import json
import os
import threading
import zlib
from collections import Counter
from datetime import date, timedelta
from urllib.parse import urlsplit

import requests
import schemathesis
from schemathesis.wfc.escalation import restore_identity_assignments, escalating_provider

SERVICE = os.environ["SERVICE_URL"]
KEYS = {
    name.removeprefix("KEY_").lower(): value
    for name, value in os.environ.items()
    if name.startswith("KEY_")
}
# `edk_<id>_<secret>_<checksum>`
KEY_IDS = {key.split("_")[1] for key in KEYS.values()}

# Every operation of the document.
LABELS = set()

# Who sends what. All else is the requester's.
SENDERS = {
    "GET /v1/api-keys": "admin",
    "POST /v1/api-keys": "admin",
    "GET /v1/api-keys/{id}": "admin",
    "DELETE /v1/api-keys/{id}": "admin",
    "GET /v1/audit": "admin",
}

# Answers to cases that fit the schema which are right all the same.
RIGHT_REFUSALS = {
    # The rules refuse the engagement: that is what they are for.
    "INELIGIBLE",
    # The case names another version on purpose, or lost a race.
    "PRECONDITION_FAILED",
}


class Service:
    """The running service, as the fixtures see it."""

    def __init__(self):
        self.local = threading.local()

    def send(self, method, path, who, **kwargs):
        session = getattr(self.local, "session", None)
        if session is None:
            session = self.local.session = requests.Session()
        headers = {"Authorization": f"Bearer {KEYS[who]}", **kwargs.pop("headers", {})}
        return session.request(method, SERVICE + path, headers=headers, timeout=20, **kwargs)

    def get(self, path, who="requester", **kwargs):
        return self.send("GET", path, who, **kwargs)

    def post(self, path, body, who="requester"):
        answer = self.send("POST", path, who, json=body)
        assert answer.status_code < 300 or answer.status_code == 422, answer.text
        return answer.json()


service = Service()
catalog = service.get("/v1/catalog").json()
subject = service.get("/v1/me").json()["subject"]
WORDS = {
    "desk": [desk["id"] for desk in catalog["desks"]],
    "service": [entry["id"] for entry in catalog["services"]],
    "problem_kind": [entry["id"] for entry in catalog["problem_kinds"]],
    "involves": [entry["id"] for entry in catalog["work"]],
}
WORDS["desks"] = WORDS["desk"]
# Hours that a desk gives one request, for those that have such a limit.
HOURS_AT_MOST = {
    desk["id"]: desk["logged_hours_at_most"] for desk in catalog["desks"] if "logged_hours_at_most" in desk
}


@schemathesis.hook
def after_load_schema(context, schema):
    """Each operation has one sender from the start, instead of whoever happens to be let in first."""
    provider = escalating_provider(schema)
    labels = [result.ok().label for result in schema.get_all_operations()]
    LABELS.update(labels)
    senders = {label: SENDERS.get(label, "requester") for label in labels}
    restore_identity_assignments(schema, senders)
    provider._settled.update(senders)


@schemathesis.hook
def before_call(context, case, kwargs):
    protect_our_keys(case)
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    sound_tag(case)
    fresh_idempotency_key(case)
    known_words(case)
    ground = GROUND.get(case.operation.label)
    if ground is None and case.operation.label.startswith("GET /v1/requests/{id}"):
        ground = known_request
    if ground:
        ground(case)
    if "cursor" in (case.query or {}):
        real_cursor(case)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Whether it is one: a right refusal of a case that fits the schema is none."""
    name = type(failure).__name__
    if name == "RejectedPositiveData":
        return code(response) not in RIGHT_REFUSALS
    if name == "UseAfterFree":
        # A revoked key stays to be seen, as revoked: nobody can use it, and everybody can tell why.
        return not case.operation.label.endswith("/v1/api-keys/{id}")
    return True


# Objects of others --------------------------------------------------------------------------------

# The check that the fuzzer brings along tries only reads whose answers repeat the object's id. This one tries
# every operation on an object, also those that write: what was answered 2xx is sent again by a stranger.
REQUESTERS = {who: service.get("/v1/me", who).json()["subject"] for who in KEYS if who.endswith("requester")}
REPLAYS = 25
replayed = Counter()


@schemathesis.check
def object_of_another(ctx, response, case):
    """A stranger to an object can't do to it what was just done: for the stranger it isn't there."""
    label = case.operation.label
    sent = response.request
    # OPTIONS, which the fuzzer tries on every path, tells the methods to everybody and nothing of an object.
    if "{id}" not in label or not label.startswith(f"{sent.method} ") or replayed[label] >= REPLAYS:
        return
    if not 200 <= response.status_code < 300:
        return
    place = "/".join(urlsplit(sent.url).path.split("/")[:4])
    if place.startswith("/v1/requests/"):
        owner = service.get(place, "admin").json()["requested_by"]["email"]
        stranger = next(who for who, subject in REQUESTERS.items() if subject != owner.lower())
        wanted = (404, "NOT_FOUND")
    else:
        stranger, wanted = "requester", (403, "ACTION_FORBIDDEN")
    told = ("Authorization", "Idempotency-Key", "Content-Length", "Cookie")
    headers = {name: value for name, value in sent.headers.items() if name.title() not in told}
    headers["Authorization"] = f"Bearer {KEYS[stranger]}"
    answer = requests.request(sent.method, sent.url, headers=headers, data=sent.body, timeout=20)
    replayed[label] += 1
    got = (answer.status_code, code(answer))
    assert got == wanted, f"{label} as {stranger}, whose object it is not: {got}, and not {wanted}"


@atexit.register
def say_what_was_replayed():
    """For the report, which wants every such operation to have been tried."""
    wanted = {label for label in LABELS if "{id}" in label}
    with open("target/fuzz/others.json", "w", encoding="utf-8") as file:
        json.dump({label: replayed[label] for label in sorted(wanted)}, file)


def code(response):
    try:
        return response.json().get("code")
    except (ValueError, AttributeError):
        return None


def chance(*values):
    """A number from 0 to 99 that the values decide, so that a seed repeats a run."""
    return zlib.crc32(repr(values).encode("utf-8", "surrogatepass")) % 100


def pick(options, *values):
    return options[zlib.crc32(repr(values).encode("utf-8", "surrogatepass")) % len(options)]


def act_as(case, who):
    """Sends the case as somebody else. One that goes without a key stays without."""
    if case.headers and "Authorization" in case.headers:
        case.headers["Authorization"] = f"Bearer {KEYS[who]}"


def protect_our_keys(case):
    """Nobody saws off the branch: the keys of this run aren't revoked."""
    if case.operation.label == "DELETE /v1/api-keys/{id}" and case.path_parameters.get("id") in KEY_IDS:
        case.path_parameters["id"] = new_key()


def sound_tag(case):
    """Where the generator finds no value for the pattern of an optional header, it sends 0 as if it were one."""
    for name in ("If-Match", "If-None-Match"):
        if (case.headers or {}).get(name) == "0":
            case.headers[name] = '"7-full"'


sent_keys = set()


def fresh_idempotency_key(case):
    """A key stands for one operation: one that was sent before is replaced."""
    key = (case.headers or {}).get("Idempotency-Key")
    if key is None:
        return
    if key.strip('"') in sent_keys:
        key = f"{zlib.crc32(key.encode()):08x}-{len(sent_keys)}"
        case.headers["Idempotency-Key"] = key
    sent_keys.add(key.strip('"'))


def known_words(case):
    """Replaces words that the catalogue doesn't have."""
    if not isinstance(case.body, dict):
        return
    for member, words in WORDS.items():
        value = case.body.get(member)
        if isinstance(value, str) and value not in words:
            case.body[member] = pick(words, value)
        elif isinstance(value, list):
            case.body[member] = [word if word in words else pick(words, word) for word in value]


def real_cursor(case):
    """Replaces a cursor by the one that leads on from the first page of the same list."""
    query = {name: value for name, value in case.query.items() if name != "cursor"}
    case.query = query
    path = case.formatted_path
    who = SENDERS.get(case.operation.label, "requester")
    answer = service.get(path, who, params={**query, "limit": 1})
    cursor = answer.json().get("next_cursor") if answer.status_code == 200 else None
    if cursor:
        case.query = {**query, "cursor": cursor}


# Requests ------------------------------------------------------------------------------------------

ELIGIBLE = {
    "desk": "pad",
    "service": "architecture_design_session",
    "motion": "sell_with",
    "involves": [],
    "delivery": "remote",
    "estimated_hours": 12.5,
    "problem_kind": None,
}
ELIGIBLE_PARTNER = {"mpn_id": "4567890", "member": True, "partner_center_access": True}
ELIGIBLE_CUSTOMER = {"kind": "named", "name": "Fabrikam Bank", "consent": True}


def make_eligible(body):
    """Changes the facts that the rules of a desk read; free text stays."""
    body.update(ELIGIBLE)
    body["partner"] = {**(body.get("partner") or {}), **ELIGIBLE_PARTNER}
    body["customer"] = {**(body.get("customer") or {}), **ELIGIBLE_CUSTOMER}


def create(case):
    body = case.body
    if not isinstance(body, dict):
        return
    if body.get("requested_by"):
        # Only an integration names somebody; that somebody is the requester, who can see it then.
        body["requested_by"] = {**body["requested_by"], "email": subject}
        act_as(case, "integration")
    # Some are left to the rules as they are, and are mostly ineligible.
    if not body.get("draft") and chance(body) < 85:
        make_eligible(body)


# The steps from nothing to a state, each with its sender.
STEPS = {
    "draft": [],
    "submitted": [("requester", {"to": "submitted"})],
    "ineligible": [("requester", {"to": "submitted"})],
    "in_review": [("desk_lead", {"to": "in_review"})],
    "action_required": [("desk_lead", {"to": "action_required", "fields": ["title"]})],
    "accepted": [("desk_lead", {"to": "accepted"})],
    "in_progress": [("desk_lead", {"to": "in_progress"})],
}
BEFORE = {
    "submitted": "draft",
    "ineligible": "draft",
    "in_review": "submitted",
    "action_required": "in_review",
    "accepted": "in_review",
    "in_progress": "accepted",
}
# For each step that can be asked for: where from, and who takes it.
TAKEN = {
    "submitted": [("draft", "requester")],
    "draft": [("submitted", "requester"), ("in_review", "requester"), ("ineligible", "requester")],
    "in_review": [("submitted", "desk_member"), ("action_required", "requester")],
    "action_required": [("in_review", "desk_member")],
    "accepted": [("in_review", "desk_lead")],
    "scheduled": [("accepted", "desk_member")],
    "in_progress": [("accepted", "desk_lead")],
    "on_hold": [("in_progress", "desk_member")],
    "completed": [("in_progress", "desk_member")],
    "rejected": [("in_review", "desk_member")],
    "redirected": [("ineligible", "requester")],
    "cancelled": [("draft", "requester"), ("accepted", "desk_lead"), ("in_progress", "desk_lead")],
    "exception_review": [("ineligible", "requester")],
}


def request_in(state, then=None):
    """A new request of the requester's in this state, from which it can be taken to the next one."""
    path = []
    while state != "draft":
        path.insert(0, state)
        state = BEFORE[state]
    body = {"title": "Landing zone", "draft": True}
    make_eligible(body)
    if then == "redirected":
        body["involves"] = ["programme_enablement"]  # belongs at a channel
    elif "ineligible" in path:
        # Too long for the desk, which its lead may waive.
        body.update({"desk": "tpd", "service": "deployment_consultation", "estimated_hours": 40})
    request = service.post("/v1/requests", body)
    for step in path:
        for who, taken in STEPS[step]:
            answer = service.post(f"/v1/requests/{request['id']}/transitions", taken, who)
            request = answer.get("request", answer)
    return request


def tag_of(request):
    return f'"{request["version"]}-full"'


def latest_tag(case, tag):
    """Mostly the tag of the version that is stored, so that what lies behind the check is reached."""
    if "If-Match" in (case.headers or {}) and chance(case.headers["If-Match"], case.path_parameters["id"]) < 95:
        case.headers["If-Match"] = tag


def seen_by_requester(case):
    answer = service.get(f"/v1/requests/{case.path_parameters['id']}") if is_plain(case) else None
    return answer.json() if answer is not None and answer.status_code == 200 else None


def is_plain(case):
    name = str(case.path_parameters.get("id", ""))
    return name.isascii() and name.replace("-", "").isalnum()


def known_request(case):
    """A read finds something: where the name is nobody's, it is that of a stored request."""
    if seen_by_requester(case) is None:
        name = request_in("draft")
        case.path_parameters["id"] = name[pick(["id", "reference"], name["id"])]


def revise(case):
    request = seen_by_requester(case)
    if request is None or request["state"] != "draft":
        request = request_in("draft")
        case.path_parameters["id"] = request["id"]
    latest_tag(case, tag_of(request))


def transition(case):
    body = case.body
    if isinstance(body, dict) and body.get("fields"):
        body["fields"] = ["title"]  # only facts can be asked for
    if not isinstance(body, dict) or body.get("to") not in TAKEN:
        return  # a state that is never asked for, such as expired
    state, who = pick(TAKEN[body["to"]], body)
    request = seen_by_requester(case)
    if request is None or request["state"] != state or state == "ineligible":
        request = request_in(state, body["to"])
        case.path_parameters["id"] = request["id"]
    act_as(case, who)
    latest_tag(case, tag_of(request))
    say_what_is_needed(body, request)


def say_what_is_needed(body, request):
    """What a step needs besides its goal, and days in their order."""
    to, today = body["to"], date.today()
    if to not in ("submitted", "accepted", "scheduled", "in_progress"):
        body["reason"] = (body.get("reason") or "").strip() or "Because."
    if to == "action_required":
        body["fields"] = body.get("fields") or ["title"]
    if to == "completed":
        body["outcome"] = (body.get("outcome") or "").strip() or "Designed."
    if to == "redirected":
        body["destination"] = request["decision"]["destinations"][0]["id"]
    if to == "scheduled":
        body["assignee"] = body.get("assignee") or {"name": "Ada Archer"}
        body["starts_on"] = body.get("starts_on") or "2027-01-11"
        body["ends_on"] = body.get("ends_on") or body["starts_on"]
    if to == "on_hold":
        body["resume_on"] = body.get("resume_on") or "2027-02-01"
    if body.get("approved_hours"):
        body["approved_hours"] = min(body["approved_hours"], HOURS_AT_MOST.get(request["desk"], float("inf")))
    if body.get("starts_on") and body.get("ends_on"):
        body["starts_on"], body["ends_on"] = sorted([body["starts_on"], body["ends_on"]])
    if body.get("resume_on") and body["resume_on"] < today.isoformat():
        body["resume_on"] = (today + timedelta(days=7)).isoformat()


def patient(case):
    """Nobody waits for what the run itself would have to bring about."""
    for name in ("wait", "request"):
        (case.query or {}).pop(name, None)
    (case.headers or {}).pop("Last-Event-ID", None)


def at_once(case):
    (case.headers or {}).pop("Prefer", None)
    known_request(case)


def log_hours(case):
    if not isinstance(case.body, dict):
        return
    case.path_parameters["id"] = request_in("in_progress")["id"]
    act_as(case, "desk_lead")
    if str(case.body.get("worked_on")) > date.today().isoformat():
        case.body["worked_on"] = date.today().isoformat()


# Keys ----------------------------------------------------------------------------------------------


def new_key():
    body = {"subject": "somebody@example.com", "name": "Somebody", "role": "viewer"}
    return service.post("/v1/api-keys", body, "admin")["api_key"]["id"]


def create_key(case):
    """A desk's member needs a desk, a requester a relationship, and a scope has to be one of the role."""
    body = case.body
    if not isinstance(body, dict):
        return
    if body.get("role") in ("desk_member", "desk_lead") and not body.get("desks"):
        body["desks"] = [pick(WORDS["desk"], body)]
    if body.get("role") == "requester" and not body.get("relationship"):
        body["relationship"] = "pdm"
    if body.get("scopes"):
        body["scopes"] = ["consult"]  # of use to every role


def known_key(case):
    if not is_plain(case) or service.get(f"/v1/api-keys/{case.path_parameters['id']}", "admin").status_code != 200:
        case.path_parameters["id"] = new_key()


def revoke_key(case):
    known_key(case)
    latest_tag(case, service.get(f"/v1/api-keys/{case.path_parameters['id']}", "admin").headers["ETag"])


GROUND = {
    "GET /v1/events": patient,
    "GET /v1/requests/{id}": at_once,
    "POST /v1/requests/{id}/time-entries": log_hours,
    "POST /v1/requests": create,
    "PATCH /v1/requests/{id}": revise,
    "POST /v1/requests/{id}/transitions": transition,
    "POST /v1/api-keys": create_key,
    "GET /v1/api-keys/{id}": known_key,
    "DELETE /v1/api-keys/{id}": revoke_key,
}

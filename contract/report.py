"""Fails a run of the fuzzer that proves little, however green it is.

A service that answers every request with 401 passes nearly all checks. So this reads the events of a run
and asks of the cases that fit the document that most were served, for all operations together and for
each one; that no answer of the service was a fault of its own; and that every operation on an object was tried by
somebody it doesn't belong to.
"""

import base64
import json
import os
import sys
from collections import Counter, defaultdict

# Shares of the cases that fit the document which have to be served: answered 2xx, or 304 where they ask for that.
OVERALL = 0.60
EACH = 0.50


def scenarios(path):
    with open(path, encoding="utf-8") as events:
        for line in events:
            scenario = json.loads(line).get("ScenarioFinished")
            if scenario:
                yield scenario["recorder"]


def exchanges(path):
    """Operation, case, status and answer of everything that was sent."""
    for recorder in scenarios(path):
        interactions = recorder.get("interactions") or {}
        for name, entry in (recorder.get("cases") or {}).items():
            response = (interactions.get(name) or {}).get("response")
            if response:
                case = entry["value"]
                yield f"{case['method']} {case['path']}", case, response["status_code"], response


def problem(response):
    try:
        body = json.loads(base64.b64decode(response["content"]["$base64"]))
        places = [fault.get("pointer") or fault.get("parameter") or fault.get("header") for fault in body.get("errors", [])]
        return " ".join([body["code"], *map(str, places[:1])])
    except (KeyError, TypeError, ValueError):
        return str(response["status_code"])


def main(path):
    positive = defaultdict(Counter)
    negative = defaultdict(Counter)
    refusals = defaultdict(Counter)
    faults = []
    strangers = 0
    for operation, case, status, response in exchanges(path):
        meta = case.get("meta")
        if status >= 500:
            faults.append(f"{operation} answered {status}: {problem(response)}")
        if operation == "GET /v1/requests/{id}" and str(case.get("auth_identity")).endswith("_requester"):
            strangers += 1
            if status != 404:
                faults.append(f"{operation} answered {status} to {case['auth_identity']}")
        if not meta:
            continue
        mode = meta["generation"]["mode"]
        (positive if mode == "positive" else negative)[operation][status] += 1
        if mode == "positive" and status >= 400:
            refusals[operation][problem(response)] += 1

    print(f"{'served':>6} {'fitting':>8} {'unfit':>6}  operation, and why fitting cases were refused")
    low = []
    served = total = 0
    for operation, statuses in sorted(positive.items()):
        ok = sum(count for status, count in statuses.items() if status < 400)
        all_of_it = sum(statuses.values())
        served, total = served + ok, total + all_of_it
        share = ok / all_of_it
        why = ", ".join(f"{count} {reason}" for reason, count in refusals[operation].most_common(4))
        print(f"{share:6.0%} {all_of_it:8} {sum(negative[operation].values()):6}  {operation}  {why}")
        if share < EACH:
            low.append(f"{operation}: only {share:.0%} of the fitting cases were served")
    overall = served / total if total else 0
    print(f"{overall:6.0%} {total:8} {sum(sum(c.values()) for c in negative.values()):6}  all together")
    print(f"{strangers} reads of another one's request")

    if overall < OVERALL:
        low.append(f"only {overall:.0%} of all fitting cases were served, and {OVERALL:.0%} are wanted")
    if not strangers:
        low.append("nobody asked for another one's object")
    with open(os.path.join(os.path.dirname(path), "others.json"), encoding="utf-8") as file:
        others = json.load(file)
    print(f"{sum(others.values())} answers asked for again by somebody whose object it is not")
    for operation, count in others.items():
        if not count:
            low.append(f"{operation} was not tried on another one's object")
    if not others:
        low.append("no operation was tried on another one's object")
    for line in [*faults[:20], *low]:
        print(f"FAILED: {line}")
    return 1 if faults or low else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

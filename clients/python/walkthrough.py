"""Takes a request from its beginning to its end with a client that is generated from the OpenAPI document,
against the service at SERVICE_URL.
"""

import datetime
import os
import uuid

from engagement_desk_client import AuthenticatedClient
from engagement_desk_client.api.requests import create_request, list_requests, transition_request
from engagement_desk_client.models import (
    AssigneeBody,
    CreateBody,
    CustomerBody,
    CustomerKind,
    Delivery,
    ListRequestsResponse200,
    Motion,
    Outcome,
    PartnerBody,
    Problem,
    Request,
    State,
    StatusCategory,
    TransitionBody,
)
from engagement_desk_client.types import Unset


def client_of(key: str) -> AuthenticatedClient:
    return AuthenticatedClient(base_url=os.environ["SERVICE_URL"], token=os.environ[key])


requester = client_of("KEY_REQUESTER")
lead = client_of("KEY_DESK_LEAD")


def take(request: Request, step: TransitionBody) -> Request:
    """Takes a step that has to succeed."""
    moved = transition_request.sync(
        str(request.id), client=lead, body=step, idempotency_key=str(uuid.uuid4())
    )
    assert isinstance(moved, Request), moved
    assert moved.state == step.to
    return moved


created = create_request.sync(
    client=requester,
    idempotency_key=str(uuid.uuid4()),
    body=CreateBody(
        desk="pad",
        service="architecture_design_session",
        motion=Motion.SELL_WITH,
        title="Landing zone for a retail bank",
        partner=PartnerBody(mpn_id="4567890", name="Contoso Consulting", member=True),
        customer=CustomerBody(kind=CustomerKind.NAMED, name="Fabrikam Bank", consent=True),
        estimated_hours=12.5,
        delivery=Delivery.REMOTE,
    ),
)
assert isinstance(created, Request), created
assert created.state == State.SUBMITTED
assert not isinstance(created.decision, Unset) and created.decision.eligible

request = take(created, TransitionBody(to=State.IN_REVIEW))
request = take(request, TransitionBody(to=State.ACCEPTED))
request = take(
    request,
    TransitionBody(
        to=State.SCHEDULED,
        assignee=AssigneeBody(name="Ada Archer", email="ada.archer@example.com"),
        starts_on=datetime.date(2027, 1, 11),
        ends_on=datetime.date(2027, 1, 12),
    ),
)
request = take(request, TransitionBody(to=State.IN_PROGRESS))
request = take(
    request, TransitionBody(to=State.COMPLETED, outcome="A design, and who builds it.")
)
assert request.status_category == StatusCategory.CLOSED
assert not isinstance(request.assignee, Unset) and request.assignee.name == "Ada Archer"

# One that no rule lets through: what stands in the way, and what becomes of it.
refused = create_request.sync(
    client=requester,
    body=CreateBody(
        desk="tpd",
        service="deployment_consultation",
        estimated_hours=25,
        delivery=Delivery.REMOTE,
        partner=PartnerBody(mpn_id="4567890", member=True, partner_center_access=True),
        customer=CustomerBody(kind=CustomerKind.SEGMENT, description="Hospitals moving archives"),
    ),
)
assert isinstance(refused, Problem), refused
assert (refused.status, refused.code) == (422, "INELIGIBLE")
assert not isinstance(refused.decision, Unset)
reasons = [rule for rule in refused.decision.rules if rule.outcome == Outcome.FAIL]
assert [rule.rule for rule in reasons] == ["tpd.hours"]
assert not isinstance(refused.errors, Unset)
assert refused.errors[0].pointer == "/estimated_hours"

wanted = [State.COMPLETED, State.INELIGIBLE]
page = list_requests.sync(client=requester, state=wanted, limit=1)
assert isinstance(page, ListRequestsResponse200), page
assert [item.state for item in page.items] == [State.INELIGIBLE]
assert page.next_cursor
following = list_requests.sync(client=requester, state=wanted, limit=1, cursor=page.next_cursor)
assert isinstance(following, ListRequestsResponse200), following
assert following.items[0].id == request.id

print(f"Python: {request.reference} is {request.state}, and {reasons[0].message}")

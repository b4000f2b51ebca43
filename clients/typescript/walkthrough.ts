// Takes a request from its beginning to its end with a client that is generated from the OpenAPI document,
// against the service at SERVICE_URL.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Request = components["schemas"]["Request"];
type Step = components["schemas"]["TransitionBody"];

const setting = (name: string): string => {
  const value = process.env[name];
  assert.ok(value, `${name} is not set`);
  return value;
};

const clientOf = (key: string) =>
  createClient<paths>({
    baseUrl: setting("SERVICE_URL"),
    headers: { Authorization: `Bearer ${setting(key)}` },
  });

const requester = clientOf("KEY_REQUESTER");
const lead = clientOf("KEY_DESK_LEAD");

/** Takes a step that has to succeed. */
const take = async (request: Request, body: Step): Promise<Request> => {
  const { data, error } = await lead.POST("/v1/requests/{id}/transitions", {
    params: { path: { id: request.id }, header: { "Idempotency-Key": crypto.randomUUID() } },
    body,
  });
  assert.ok(data, `${body.to}: ${error?.detail}`);
  assert.equal(data.state, body.to);
  return data;
};

const created = await requester.POST("/v1/requests", {
  params: { header: { "Idempotency-Key": crypto.randomUUID() } },
  body: {
    desk: "pad",
    service: "architecture_design_session",
    motion: "sell_with",
    title: "Landing zone for a retail bank",
    partner: { mpn_id: "4567890", name: "Contoso Consulting", member: true },
    customer: { kind: "named", name: "Fabrikam Bank", consent: true },
    estimated_hours: 12.5,
    delivery: "remote",
  },
});
assert.equal(created.response.status, 201);
assert.ok(created.data);
let request = created.data;
assert.equal(request.state, "submitted");
assert.ok(request.decision?.eligible);

request = await take(request, { to: "in_review" });
request = await take(request, { to: "accepted" });
request = await take(request, {
  to: "scheduled",
  assignee: { name: "Ada Archer", email: "ada.archer@example.com" },
  starts_on: "2027-01-11",
  ends_on: "2027-01-12",
});
request = await take(request, { to: "in_progress" });
request = await take(request, { to: "completed", outcome: "A design, and who builds it." });
assert.equal(request.status_category, "closed");
assert.equal(request.assignee?.name, "Ada Archer");

// One that no rule lets through: what stands in the way, and what becomes of it.
const refused = await requester.POST("/v1/requests", {
  body: {
    desk: "tpd",
    service: "deployment_consultation",
    estimated_hours: 25,
    delivery: "remote",
    partner: { mpn_id: "4567890", member: true, partner_center_access: true },
    customer: { kind: "segment", description: "Hospitals moving imaging archives to the cloud" },
  },
});
assert.equal(refused.response.status, 422);
assert.ok(refused.error);
assert.equal(refused.error.code, "INELIGIBLE");
const reasons = refused.error.decision?.rules.filter((rule) => rule.outcome === "fail") ?? [];
assert.deepEqual(reasons.map((rule) => rule.rule), ["tpd.hours"]);
assert.equal(refused.error.errors?.[0]?.pointer, "/estimated_hours");

const page = await requester.GET("/v1/requests", {
  params: { query: { state: ["completed", "ineligible"], limit: 1 } },
});
assert.ok(page.data);
assert.equal(page.data.items.length, 1);
assert.equal(page.data.items[0]?.state, "ineligible");
const { next_cursor: cursor } = page.data;
assert.ok(cursor);
const next = await requester.GET("/v1/requests", {
  params: { query: { state: ["completed", "ineligible"], limit: 1, cursor } },
});
assert.equal(next.data?.items[0]?.id, request.id);

console.log(`TypeScript: ${request.reference} is ${request.state}, and ${reasons[0]?.message}`);

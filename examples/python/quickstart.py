"""Licentia in ten minutes. Run it whole, or cell by cell in an editor that knows `# %%`.

    pip install licentia
    python quickstart.py
"""

# %% [markdown]
# # 1. The vendor has a key and says what is sold

# %%
from datetime import datetime, timedelta, timezone

import licentia

key = licentia.SigningKey.generate()  # keep it off line: key.save("issuer.pem", "a pass phrase")
issuer = licentia.Issuer("acme", key)
catalogue = licentia.Catalogue("""
    [[tier]]
    name = "pro"
    version = 1
    term = "1 year"
    grace = "14 days"
    features = { export = true, rows = 100000 }
    quotas = { calls = "3/month" }
    rates = { api = "100/1s" }
""")
public_key = str(issuer.key)
print("public key:", public_key)

# %% [markdown]
# # 2. A customer buys a licence

# %%
token = issuer.issue("customer-42", "pro", catalogue=catalogue, meta={"order": "1234"})
print("licence:", token[:40] + "...", len(token), "characters")

# %% [markdown]
# # 3. A service checks it, with the public key and nothing else

# %%
decision = licentia.verify(token, public_key)
assert decision
print("bought by:", decision.license.subject, "until", decision.license.expires.date())

# %% [markdown]
# # 4. For each request, a gate decides: features, rates and quotas together

# %%
gate = licentia.Gate(public_key, audience="api.acme.example")
request = licentia.Request(features="export", meters="calls", rates="api")
for number in range(1, 5):
    decision = gate.check(token, request)
    if decision:
        print(f"call {number}: allowed, {decision.charge('calls').remaining} calls left this month")
    else:
        print(f"call {number}: denied, {decision.code} {decision.name}")
        print("HTTP:", decision.http_status, dict(decision.http_headers))

# %% [markdown]
# # 5. Every decision explains itself, and never shows a token or a key

# %%
decision = gate.check(token, features="single_sign_on")
assert not decision
print(decision.explanation)

# %% [markdown]
# # 6. Time is an argument: what happens after the contract has ended?

# %%
for days in (364, 370, 400):
    then = datetime.now(timezone.utc) + timedelta(days=days)
    later = licentia.verify(token, public_key, now=then)
    print(f"in {days} days:", later.name, later.state if later else "")

# %% [markdown]
# # 7. A forged token is told

# %%
middle = len(token) // 2
forged = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
print("forged:", licentia.verify(forged, public_key).message)

# %% [markdown]
# # 8. Everything is an event

# %%
events: list[licentia.Event] = []
watched = licentia.Gate(public_key, on_event=events.append)
watched.check(token, features="export", action="GET /exports", source="192.0.2.1")
print("event:", events[0].at.date(), events[0].subject, events[0].action, events[0].name)
print("That is all.")

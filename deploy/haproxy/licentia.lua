-- Asks the gateway about a request: `http-request lua.licentia`.
--
-- The gateway gets the request's fields, and what `http-request` calls the method and path. On allow, its fields replace
-- the client's; otherwise the client gets its answer. If the gateway does not answer, the request is refused with 503.
local address = os.getenv("LICENTIA_CHECK") or "127.0.0.1:9000"
local skipped = { host = true, connection = true, ["content-length"] = true, ["transfer-encoding"] = true, expect = true, te = true, upgrade = true }
local fields = { "x-licentia-code", "x-licentia-expires", "x-licentia-issuer", "x-licentia-license", "x-licentia-lineage", "x-licentia-problem", "x-licentia-route", "x-licentia-state", "x-licentia-status", "x-licentia-subject", "x-licentia-tier", "x-licentia-tier-version", "x-licentia-warning" }
local answered = { "content-type", "cache-control", "retry-after", "www-authenticate", "ratelimit", "ratelimit-policy" }

local function refuse(txn, status, headers, body)
    local reply = txn:reply({ status = status })
    for name, value in pairs(headers) do
        reply:add_header(name, value)
    end
    reply:set_body(body)
    txn:done(reply)
end

core.register_action("licentia", { "http-req" }, function(txn)
    local headers = {}
    for name, values in pairs(txn.http:req_get_headers()) do
        if not skipped[name] and name:sub(1, 12) ~= "x-forwarded-" then
            headers[name] = {}
            for _, value in pairs(values) do
                table.insert(headers[name], value)
            end
        end
    end
    headers["x-forwarded-method"] = { txn.sf:method() }
    headers["x-forwarded-uri"] = { txn.sf:pathq() }
    headers["x-forwarded-for"] = { txn.sf:src() }
    local response = core.httpclient():get({ url = "http://" .. address .. "/forward", headers = headers, timeout = 2000 })
    if not response or not response.headers or response.status == 0 or response.status == 404 then
        return refuse(txn, 503, { ["cache-control"] = "no-store" }, "")
    end
    local function first(name)
        local values = response.headers[name]
        return values and (values[0] or values[1])
    end
    if response.status ~= 200 then
        local kept = {}
        for _, name in ipairs(answered) do
            kept[name] = first(name)
        end
        return refuse(txn, response.status, kept, response.body or "")
    end
    -- Every field is replaced, so that no client can supply one.
    for _, name in ipairs(fields) do
        txn.http:req_del_header(name)
        local value = first(name)
        if value and value ~= "" then
            txn.http:req_add_header(name, value)
        end
    end
    -- The service does not see the licence.
    txn.http:req_del_header("authorization")
    txn.http:req_del_header("licentia-proof")
end)

-- Takes connections and hands them to the workers, whoever is free.
local port, host = table.unpack(calog.args())
local connections = sync.Queue("connections")
local ok, listener = pcall(net.listen, host or "127.0.0.1", tonumber(port or 7379) or port, { line_limit = 65536 })
if not ok then
    io.stderr:write("kv: ", tostring(listener), "\n")
    -- The workers would wait for ever.
    calog.exit(1)
end
local at = listener.address()
print(("kv: listening at %s port %d"):format(at.host, at.port))
while true do
    connections.put(listener.accept())
end

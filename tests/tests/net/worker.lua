-- What the tests of the bundle net ask of every language, in Lua. Its twins lie beside it.
local M = {}

function M.add(a, b) return a + b end

function M.connect(host, port, options) return net.connect(host, port, options) end
function M.listen(host, port, options) return net.listen(host, port, options) end
function M.udp(host, port, options) return net.udp(host, port, options) end

function M.accept(l) return l.accept() end
function M.send(c, bytes) return c.send(bytes) end
function M.recv(c, max) return c.recv(max) end
function M.recv_line(c) return c.recv_line() end
function M.recv_exact(c, n) return c.recv_exact(n) end
function M.close(s) return s.close() end
function M.shutdown(c) return c.shutdown() end
function M.peer(c) return c.peer() end
function M.address(s) return s.address() end
function M.send_to(u, bytes, host, port) return u.send_to(bytes, host, port) end
function M.recv_from(u) return u.recv_from() end

-- Whether what comes is what this language has for bytes.
function M.is_bytes(c) return type(c.recv()) == 'string' end

-- Callbacks that note what they are given. 'boom' fails; 'wait' waits at a gate.
function M.on_data(c, name)
    c.on_data(function(data)
        gate.note(name .. ' ' .. data)
        if data == 'boom' then error('it went off') end
        if data == 'wait' then gate.wait(name) end
    end)
end
function M.on_close(c, name)
    c.on_close(function(reason) gate.note(name .. ' closed ' .. (reason and reason.code or 'well')) end)
end
function M.on_connection(l, name)
    l.on_connection(function(c)
        gate.note(name .. ' has one')
        local line = c.recv_line()
        c.send(name .. ' got ' .. line .. '\n')
        c.close()
    end)
end

-- Everything at once: a server whose connections are tasks, until the listener closes.
function M.serve(l)
    local served = 0
    while true do
        local ok, c = pcall(l.accept)
        if not ok then return served end
        served = served + 1
        task.spawn(function()
            while true do
                local data = c.recv()
                if not data then break end
                c.send(data)
            end
            c.close()
        end)
    end
end

-- What nobody holds goes.
function M.collect() collectgarbage() collectgarbage() end

return M

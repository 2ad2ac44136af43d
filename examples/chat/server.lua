-- The chat's door: who is there, what they type, what they are told. The rooms are in rooms.js.
--
-- Each client has a task that reads its lines. What it is told goes into its outbox, which a second
-- task empties for as long as there is something in it; only that one waits for a client that reads
-- slowly. Whose outbox overflows is put out.

local OUTBOX_LINES = 500   -- how far behind a client may be
local SEND_BYTES = 65536   -- what is on its way to a client before `send` waits
local LINE_BYTES = 1000    -- the longest line that is taken
local NAME = "^[%w_-]+$"
local NAME_BYTES = 16

local rooms = calog.import "rooms"
local clients, guests = {}, 0

-- What a terminal may be shown: no control characters, no bytes that are not UTF-8.
local function clean(line)
    line = line:gsub("%c", "")
    if not utf8.len(line) then return (line:gsub("[\x80-\xff]", "?")) end
    return (line:gsub("\xc2[\x80-\x9f]", ""))
end

local function check_name(name)
    if not name:match(NAME) or #name > NAME_BYTES then
        error(("a name has 1 to %d letters, digits, - and _"):format(NAME_BYTES), 0)
    end
end

local Client = {}
Client.__index = Client

function Client.new(connection)
    repeat guests = guests + 1 until not clients["guest" .. guests]
    local self = setmetatable({ connection = connection, nick = "guest" .. guests, outbox = {} }, Client)
    -- The rooms hold this.
    self.hear = function(line) self:tell(line) end
    clients[self.nick] = self
    return self
end

function Client:tell(line)
    if self.gone then return end
    if #self.outbox == OUTBOX_LINES then return self:put_out("reads too slowly") end
    table.insert(self.outbox, line .. "\r\n")
    if not self.writing then
        self.writing = true
        task.spawn(function() self:empty_outbox() end)
    end
end

-- Sends what there is; what comes meanwhile goes out the next time round.
function Client:empty_outbox()
    while #self.outbox > 0 do
        local lines = table.concat(self.outbox)
        self.outbox = {}
        -- That the connection broke is found out by who reads.
        if not pcall(self.connection.send, lines) then break end
    end
    self.writing = false
end

-- Ends the conversation from this side: whoever reads is woken.
function Client:put_out(reason)
    self.gone = reason
    self.connection.close()
end

local commands = {}

function commands.nick(self, name)
    check_name(name)
    if clients[name] or name == "bot" then error(name .. " is somebody else", 0) end
    local before = self.nick
    clients[before], clients[name], self.nick = nil, self, name
    if self.room then rooms.rename(self.room, before, name) else self:tell("* you are " .. name) end
end

function commands.join(self, name)
    check_name(name)
    if name == self.room then error("you are in " .. name, 0) end
    self:leave()
    self.room = name
    local there = rooms.join(name, self.nick, self.hear)
    self:tell("* you are in " .. name .. ", with " .. table.concat(there, ", "))
end

function commands.leave(self)
    self:check_room()
    self:tell("* you leave " .. self.room)
    self:leave()
end

function commands.list(self)
    local all = rooms.list()
    if #all == 0 then self:tell("* there are no rooms: /join makes one") end
    for _, room in ipairs(all) do self:tell(("* %s: %d"):format(room.name, room.count)) end
end

function commands.who(self)
    self:check_room()
    self:tell("* in " .. self.room .. ": " .. table.concat(rooms.who(self.room), ", "))
end

function commands.say(self, text)
    self:check_room()
    if text ~= "" then rooms.say(self.room, self.nick, text) end
end

function commands.help(self)
    self:tell("* /nick NAME   /join ROOM   /leave   /list   /who   /quit")
    self:tell("* anything else is said in your room; what begins with 'bot' is said to the bot")
end

function commands.quit(self)
    self:tell("* good bye")
    self.gone = "quits"
end

function Client:check_room()
    if not self.room then error("you are in no room: /join one", 0) end
end

-- Leaves the room, if it is in one.
function Client:leave(reason)
    local room = self.room
    self.room = nil
    if room then rooms.leave(room, self.nick, reason or "leaves") end
end

function Client:take(line)
    local command, rest = line:match "^/(%S*)%s*(.-)%s*$"
    if not command then command, rest = "say", line end
    local act = commands[command]
    if not act then return self:tell(("* there is no /%s: /help lists what there is"):format(command)) end
    local ok, e = pcall(act, self, rest)
    if not ok then self:tell("* " .. tostring(e)) end
end

function Client:converse()
    self:tell(("* welcome, you are %s; /help lists the commands"):format(self.nick))
    while not self.gone do
        local line = self.connection.recv_line()
        if not line then return "hangs up" end
        self:take(clean(line))
    end
end

-- From the welcome to the end, however it comes.
function Client:live()
    local ok, reason = pcall(self.converse, self)
    if not ok then reason = reason.code == "io" and "is cut off" or tostring(reason) end
    -- The rooms hear of this before anybody can join under the name.
    clients[self.nick] = nil
    self:leave(self.gone or reason)
    -- What was told last goes out behind what is on its way.
    if self.gone == "quits" and #self.outbox > 0 then pcall(self.connection.send, table.concat(self.outbox)) end
    self.gone, self.outbox = "is gone", {}
    self.connection.close()
end

local port, host = table.unpack(calog.args())
local limits = { line_limit = LINE_BYTES, send_limit = SEND_BYTES }
local ok, listener = pcall(net.listen, host or "127.0.0.1", tonumber(port or 7777) or port, limits)
if not ok then
    io.stderr:write("chat: ", tostring(listener), "\n")
    calog.exit(1)
end
local at = listener.address()
print(("chat: listening at %s port %d"):format(at.host, at.port))
while true do
    local client = Client.new(listener.accept())
    task.spawn(function() client:live() end)
end

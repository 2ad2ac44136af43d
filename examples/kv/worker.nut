// Answers the lines of its connections, each in a task of its own. The store is nobody's: it lies in
// `sync`, so every worker sees the same keys, and a change by one is never lost to another's.

// The keys are spread over so many variables: a change copies only its own.
const SHELVES = 64
const KEY_BYTES = 200
// What surely fits into 64 bits, and can be added to such a one.
const INTEGER_BYTES = 18

local shelves = []
for (local i = 0; i < SHELVES; i++) shelves.append(sync.Shared("shelf " + i, {}))

local function shelf(key) {
    local hash = 0
    foreach (byte in key) hash = (hash * 31 + byte) & 0xffffff
    return shelves[hash % SHELVES]
}

// The first word of a line, and the rest.
local function split(line) {
    local at = line.find(" ")
    if (at == null) return [line, ""]
    return [line.slice(0, at), strip(line.slice(at))]
}

local function check_key(key) {
    if (key == "" || key.find(" ") != null || key.len() > KEY_BYTES) {
        throw "a key is a word of up to " + KEY_BYTES + " bytes"
    }
}

local integer = regexp(@"(\+|-)?\d+")

local function to_int(text) {
    if (!integer.match(text) || text.len() > INTEGER_BYTES) {
        throw "'" + text + "' is no integer of up to " + INTEGER_BYTES + " bytes"
    }
    return text.tointeger()
}

local commands = {
    function GET(rest) {
        check_key(rest)
        local all = shelf(rest).get()
        return rest in all ? "VALUE " + all[rest] : "NONE"
    }
    function SET(rest) {
        local parts = split(rest), key = parts[0]
        check_key(key)
        shelf(key).update(function(all) {
            all[key] <- parts[1]
            return all
        })
        return "OK"
    }
    function DEL(rest) {
        check_key(rest)
        local was = false
        shelf(rest).update(function(all) {
            was = rest in all
            if (was) delete all[rest]
            return all
        })
        return was ? "OK" : "NONE"
    }
    function INCR(rest) {
        local parts = split(rest), key = parts[0], sum = 0
        local by = parts[1] == "" ? 1 : to_int(parts[1])
        check_key(key)
        shelf(key).update(function(all) {
            sum = (key in all ? to_int(all[key]) : 0) + by
            all[key] <- sum.tostring()
            return all
        })
        return "VALUE " + sum
    }
    function KEYS(rest) {
        local found = []
        foreach (one in shelves) {
            foreach (key, value in one.get()) if (key.find(rest) == 0) found.append(key)
        }
        found.sort()
        local answer = "KEYS " + found.len()
        foreach (key in found) answer += "\n" + key
        return answer
    }
}

local function answer(line) {
    local parts = split(strip(line)), name = parts[0].toupper()
    if (name == "") return "ERROR a line is a command: GET, SET, DEL, INCR, KEYS or QUIT"
    if (name == "QUIT") return "BYE"
    if (!(name in commands)) return "ERROR there is no command '" + parts[0] + "': GET, SET, DEL, INCR, KEYS, QUIT"
    try {
        return commands[name](parts[1])
    } catch (e) {
        return "ERROR " + (typeof e == "string" ? e : e.message)
    }
}

local function serve(connection) {
    try {
        local line
        while ((line = connection.recv_line()) != null) {
            local said = answer(line)
            connection.send(said + "\n")
            if (said == "BYE") break
        }
    } catch (e) {
        // It broke, or a line was too long: nobody is left to be told.
        calog.log("info", "a connection ended: " + e)
    }
    connection.close()
}

local connections = sync.Queue("connections")
while (true) {
    local connection = connections.get()
    task.spawn(function() { serve(connection) })
}

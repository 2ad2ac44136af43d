// The index: words, and the lines they stand in. The other three ask for it, and it asks them.

local lines = {}      // by word
local shelves = [0, 0, 0]
local left_out = 0
local is_small = null // a function of the conductor's

return {
    leave_out = function(test) { is_small = test }

    add = function(word, line) {
        if (is_small(word)) { left_out++; return }
        local stem = calog.import("drawing").stem(word)
        if (!(stem in lines)) {
            lines[stem] <- []
            shelves[calog.import("numbers").shelf(stem, shelves.len())]++
        }
        if (lines[stem].find(line) == null) lines[stem].append(line)
    }

    words = function() {
        local words = lines.keys()
        words.sort()
        return words
    }

    lines_of = function(word) { return lines[word] }

    // Calls a function with each word and the number of its lines.
    each = function(f) { foreach (word, where in lines) f(word, where.len()) }

    facts = function() { return { left_out = left_out, shelves = shelves } }
}

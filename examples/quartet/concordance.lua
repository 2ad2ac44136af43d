-- A concordance of a few lines: which word stands in which line. Lua reads the lines and conducts;
-- Squirrel keeps the index, JavaScript draws the table, BASIC does the numbers.

local LINES = {
  "A river takes the rain to sea,",
  "the sea gives rain to hill and tree,",
  "the tree gives shade to those who wait",
  "for river boats that travel late.",
  "The rivers rise, the rain comes down,",
  "the boats bring apples to the town,",
  "and all who waited in the shade",
  "have apples from the rain that stayed.",
}

local index = calog.import "index"
local table_of = calog.import("drawing").table_of
local numbers = calog.import "numbers"

-- Squirrel asks this of every word.
local function is_small(word)
  return #word < 4
end

-- JavaScript and BASIC have their columns filled up by it.
local function pad(text, width)
  return text .. (" "):rep(width - #text)
end

index.leave_out(is_small)
for number, line in ipairs(LINES) do
  for word in line:lower():gmatch "%a+" do
    index.add(word, number)
  end
end

print(table_of(index.words(), pad))
print(numbers.summary(#LINES, pad))

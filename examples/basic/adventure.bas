' The Lighthouse: a small text adventure.
'
'   calog run examples/basic/adventure.bas
'
' The player types commands such as NORTH, TAKE LANTERN or LIGHT LANTERN; HELP lists them all. Input
' may come from a file, too:
'
'   calog run examples/basic/adventure.bas < commands.txt

' ---------------------------------------------------------------------------------------------------
' Words
' ---------------------------------------------------------------------------------------------------

DEF lower(text)
    VAR result = "", letter
    FOR i = 0 TO LEN(text) - 1
        letter = MID(text, i, 1)
        IF letter >= "A" AND letter <= "Z" THEN letter = CHR(ASC(letter) + 32)
        result = result + letter
    NEXT
    RETURN result
ENDDEF

ignored = LIST("the", "a", "an", "to", "with", "at")

' The words of a line in lower case, without those that say nothing.
DEF words_of(line)
    VAR words = LIST(), word = "", letter
    ' The space behind the line ends its last word.
    line = lower(line) + " "
    FOR i = 0 TO LEN(line) - 1
        letter = MID(line, i, 1)
        IF letter <> " " THEN
            word = word + letter
        ELSE
            IF word <> "" AND NOT EXISTS(ignored, word) THEN PUSH(words, word)
            word = ""
        ENDIF
    NEXT
    RETURN words
ENDDEF

' "a key, a lantern", or what is said when there is nothing.
DEF names_of(things, if_none)
    VAR text = ""
    FOR thing IN things
        IF text <> "" THEN text = text + ", "
        text = text + STR(thing)
    NEXT
    IF text = "" THEN RETURN if_none
    RETURN text
ENDDEF

' ---------------------------------------------------------------------------------------------------
' Things and rooms
' ---------------------------------------------------------------------------------------------------

CLASS item
    VAR word = "", about = "", is_lit = FALSE
    DEF to_string()
        IF is_lit THEN RETURN "a burning " + word
        RETURN "a " + word
    ENDDEF
ENDCLASS

DEF new_item(word, about)
    VAR it = NEW(item)
    it.word = word
    it.about = about
    RETURN it
ENDDEF

CLASS room
    VAR title = "", about = "", exits = DICT(), things = LIST(), is_dark = FALSE
    DEF describe()
        PRINT "-- ", title, " --";
        PRINT about;
        PRINT "Exits: "
        VAR between = ""
        FOR direction IN exits
            PRINT between, direction
            between = ", "
        NEXT
        PRINT ;
        IF LEN(things) > 0 THEN PRINT "You see ", names_of(things, ""), ".";
    ENDDEF
ENDCLASS

DEF new_room(title, about)
    VAR it = NEW(room)
    it.title = title
    it.about = about
    RETURN it
ENDDEF

' Two rooms become neighbours.
DEF join(one, direction, other, opposite)
    SET(one.exits, direction, other)
    SET(other.exits, opposite, one)
ENDDEF

' The place of the item with this name in a list; -1 if it is not there.
DEF place_of(word, things)
    FOR i = 0 TO LEN(things) - 1
        VAR thing = things(i)
        IF thing.word = word THEN RETURN i
    NEXT
    RETURN -1
ENDDEF

DEF has(word, things)
    RETURN place_of(word, things) >= 0
ENDDEF

' Moves an item from one list to another.
DEF move(word, from, into)
    VAR place = place_of(word, from)
    PUSH(into, from(place))
    REMOVE(from, place)
ENDDEF

' ---------------------------------------------------------------------------------------------------
' The world
' ---------------------------------------------------------------------------------------------------

beach = new_room("The beach", "Waves break in the dusk. A steep path leads up the cliff, to the north.")
path = new_room("The cliff path", "Wind tears at you. East stands a cottage, north a lighthouse without a light.")
cottage = new_room("The cottage", "The keeper's room, long empty. A hatch in the floor leads down.")
cellar = new_room("The cellar", "Barrels, cobwebs, and a smell of fish oil.")
tower = new_room("The foot of the tower", "A winding stair leads up.")
top = new_room("The lamp room", "Glass all around, and in the middle the great lamp. It is dark.")
cellar.is_dark = TRUE

join(beach, "north", path, "south")
join(path, "east", cottage, "west")
join(cottage, "down", cellar, "up")
join(tower, "up", top, "down")
' The door between path and tower is locked: `unlock` joins the two.

PUSH(cottage.things, new_item("lantern", "There is a little oil left in it."))
PUSH(beach.things, new_item("matchbox", "Dry, against all odds."))
PUSH(cellar.things, new_item("key", "Rusty, and as long as your hand."))
PUSH(cellar.things, new_item("can", "Full of lamp oil."))

here = beach
carried = LIST()
moves = 0
is_filled = FALSE
is_over = FALSE

DEF lantern_burns()
    VAR place = place_of("lantern", carried)
    IF place < 0 THEN RETURN FALSE
    RETURN carried(place).is_lit
ENDDEF

DEF can_see()
    RETURN (NOT here.is_dark) OR lantern_burns()
ENDDEF

DEF look()
    IF can_see() THEN here.describe() ELSE PRINT "It is pitch dark. You had better go up again.";
ENDDEF

' ---------------------------------------------------------------------------------------------------
' Commands: each is a routine that takes the noun, which is "" if there is none
' ---------------------------------------------------------------------------------------------------

DEF go(direction)
    VAR exits = here.exits
    IF NOT EXISTS(exits, direction) THEN
        IF direction = "north" AND here = path THEN
            PRINT "The door of the lighthouse is locked.";
        ELSE
            PRINT "You cannot go there.";
        ENDIF
        RETURN
    ENDIF
    here = exits(direction)
    look()
ENDDEF

DEF take(noun)
    IF NOT can_see() THEN
        PRINT "You grope about in the dark and find nothing.";
    ELSEIF has(noun, here.things) THEN
        move(noun, here.things, carried)
        PRINT "Taken.";
    ELSE
        PRINT "There is no such thing here.";
    ENDIF
ENDDEF

DEF drop(noun)
    IF has(noun, carried) THEN
        move(noun, carried, here.things)
        PRINT "Dropped.";
    ELSE
        PRINT "You do not have that.";
    ENDIF
ENDDEF

DEF examine(noun)
    FOR things IN LIST(carried, here.things)
        IF has(noun, things) AND can_see() THEN
            PRINT things(place_of(noun, things)).about;
            RETURN
        ENDIF
    NEXT
    PRINT "You see nothing special.";
ENDDEF

DEF inventory(noun)
    PRINT "You carry ", names_of(carried, "nothing"), ".";
ENDDEF

DEF unlock(noun)
    IF here <> path THEN
        PRINT "There is nothing to unlock.";
    ELSEIF NOT has("key", carried) THEN
        PRINT "You have no key.";
    ELSE
        join(path, "north", tower, "south")
        PRINT "The key turns with a shriek. The door is open.";
    ENDIF
ENDDEF

DEF fill(noun)
    IF here <> top THEN
        PRINT "There is nothing to fill.";
    ELSEIF NOT has("can", carried) THEN
        PRINT "You have no oil.";
    ELSE
        is_filled = TRUE
        PRINT "The oil runs into the great lamp.";
    ENDIF
ENDDEF

DEF light(noun)
    IF NOT has("matchbox", carried) THEN
        PRINT "You have no fire.";
    ELSEIF noun = "lantern" AND has("lantern", carried) THEN
        carried(place_of("lantern", carried)).is_lit = TRUE
        PRINT "A warm little flame.";
    ELSEIF noun = "lamp" AND here = top THEN
        IF is_filled THEN
            PRINT "The lamp roars up, and its beam goes round. Far out a ship turns away from the cliff.";
            PRINT "You have saved it, in ", moves, " moves.";
            is_over = TRUE
        ELSE
            PRINT "The wick is dry.";
        ENDIF
    ELSE
        PRINT "That does not burn.";
    ENDIF
ENDDEF

DEF quit(noun)
    PRINT "You leave the lighthouse to the dark.";
    is_over = TRUE
ENDDEF

commands = DICT("go", go, "take", take, "get", take, "drop", drop, "examine", examine, "x", examine)
SET(commands, "unlock", unlock, "fill", fill, "light", light, "inventory", inventory, "i", inventory)
SET(commands, "quit", quit, "look", LAMBDA (noun) (look()), "l", LAMBDA (noun) (look()))
SET(commands, "help", LAMBDA (noun) (
    PRINT "Directions, LOOK, EXAMINE, TAKE, DROP, LIGHT, UNLOCK, FILL, INVENTORY, QUIT.";
))
FOR direction IN LIST("north", "south", "east", "west", "up", "down")
    ' "north" and "n" are short for "go north". Each lambda keeps a direction of its own.
    VAR going = LAMBDA (direction) (RETURN LAMBDA (noun) (go(direction)))
    SET(commands, direction, going(direction), LEFT(direction, 1), going(direction))
NEXT

' Does what a line says.
DEF obey(line)
    VAR words = words_of(line), noun = ""
    IF LEN(words) = 0 THEN RETURN
    IF LEN(words) > 1 THEN noun = BACK(words)
    moves = moves + 1
    IF EXISTS(commands, words(0)) THEN
        VAR command = commands(words(0))
        command(noun)
    ELSE
        PRINT "I do not know how to ", words(0), ".";
    ENDIF
ENDDEF

' ---------------------------------------------------------------------------------------------------
' The game
' ---------------------------------------------------------------------------------------------------

PRINT "THE LIGHTHOUSE";
PRINT "A ship is coming in, and the light is out.";
PRINT ;
look()
DO
    PRINT ;
    ' Output appears line by line, so the prompt is a line of its own.
    PRINT ">";
    INPUT line$
    ' At the end of the input there is nothing more to read.
    IF line$ = NIL THEN quit("") ELSE obey(line$)
UNTIL is_over

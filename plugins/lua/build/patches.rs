//! What is changed in three of Lua's libraries, as exact texts: natives that take long look whether they are
//! to stop.

/// A replacement of one text in one file.
pub(crate) struct Patch {
    /// The file.
    pub(crate) file: &'static str,
    /// The text to find.
    pub(crate) find: &'static str,
    /// How often it is there.
    pub(crate) times: usize,
    /// What comes in its place.
    pub(crate) replace: &'static str,
}

const BASE: &str = "lbaselib.c";
const STRINGS: &str = "lstrlib.c";
const TABLES: &str = "ltablib.c";

const fn once(file: &'static str, find: &'static str, replace: &'static str) -> Patch {
    Patch { file, find, times: 1, replace }
}

/// All of them.
pub(crate) const PATCHES: &[Patch] = &[
    // What is stopped is not caught: a finaliser would go on, in which no hook runs.
    once(
        BASE,
        "static int finishpcall (lua_State *L, int status, lua_KContext extra) {\n  \
         if (l_unlikely(status != LUA_OK && status != LUA_YIELD)) {  /* error? */\n",
        "static int finishpcall (lua_State *L, int status, lua_KContext extra) {\n  \
         if (l_unlikely(status != LUA_OK && status != LUA_YIELD)) {  /* error? */\n    CALOG_POLL(L);\n",
    ),
    // Patterns, which may take for ever.
    once(
        STRINGS,
        "  int matchdepth;  /* control for recursive depth (to avoid C stack overflow) */\n",
        "  int matchdepth;  /* control for recursive depth (to avoid C stack overflow) */\n  unsigned calog_steps;\n",
    ),
    once(STRINGS, "  ms->L = L;\n", "  ms->L = L;\n  ms->calog_steps = 0;\n"),
    once(
        STRINGS,
        "    luaL_error(ms->L, \"pattern too complex\");\n",
        "    luaL_error(ms->L, \"pattern too complex\");\n  CALOG_POLL_NOW_AND_THEN(ms->L, ++ms->calog_steps);\n",
    ),
    // Plain searches, which are quadratic.
    once(STRINGS, "*lmemfind (const char *s1,", "*lmemfind (lua_State *L, const char *s1,"),
    once(STRINGS, "lmemfind(s + init,", "lmemfind(L, s + init,"),
    once(
        STRINGS,
        "      init++;   /* 1st char is already checked */\n",
        "      init++;   /* 1st char is already checked */\n      CALOG_POLL(L);\n",
    ),
    once(STRINGS, "    while (n-- > 1) {", "    while (n-- > 1) {\n      CALOG_POLL_NOW_AND_THEN(L, n);"),
    // Tables that say how long they are.
    once(TABLES, "      for (i = e; i > pos; i--) {", "      for (i = e; i > pos; i--) {\n        CALOG_POLL(L);"),
    once(TABLES, "  for ( ; pos < size; pos++) {", "  for ( ; pos < size; pos++) {\n    CALOG_POLL(L);"),
    once(TABLES, "      for (i = 0; i < n; i++) {", "      for (i = 0; i < n; i++) {\n        CALOG_POLL(L);"),
    once(
        TABLES,
        "      for (i = n - 1; i >= 0; i--) {",
        "      for (i = n - 1; i >= 0; i--) {\n        CALOG_POLL(L);",
    ),
    once(TABLES, "  for (; i < last; i++) {", "  for (; i < last; i++) {\n    CALOG_POLL(L);"),
    once(TABLES, "  for (; i < e; i++) {", "  for (; i < e; i++) {\n    CALOG_POLL(L);"),
    // Sorting, also by a function that is no script's.
    once(
        TABLES,
        "static int sort_comp (lua_State *L, int a, int b) {\n",
        "static int sort_comp (lua_State *L, int a, int b) {\n  CALOG_POLL(L);\n",
    ),
];

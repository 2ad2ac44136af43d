/* How Lua's basic, string and table libraries look whether they are to stop. They are compiled with this in front. */
#pragma once
#include <limits.h>

struct lua_State;
int lua_gethookmask(struct lua_State *L);

/* Written in Rust: src/ffi/polled.rs. Raises an error when the context is to stop, or uses too much memory.
   A pointer, for a function that Rust gives a name to would be one that the plugin exports. */
extern void (*calog_lua_poll)(struct lua_State *L);

/* An interrupt sets a hook, which C code does not run: that it is there says to look. */
#define CALOG_POLL(L) ((void)(lua_gethookmask(L) != 0 && (calog_lua_poll(L), 0)))

/* The same in a loop with so short a body that it would be noticed. */
#define CALOG_POLL_NOW_AND_THEN(L, count) ((void)(((count) & 0xff) == 0 && (CALOG_POLL(L), 0)))

/* Nothing of them is for others, who have Lua's own. */
#define luaopen_base calog_luaopen_base
#define luaopen_string calog_luaopen_string
#define luaopen_table calog_luaopen_table

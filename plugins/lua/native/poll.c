/* See poll.h. Set before any library is opened. */
#include "poll.h"

void (*calog_lua_poll)(struct lua_State *L);

// What the patched interpreter asks of the engine. Every file of Squirrel is compiled with this in front.
#pragma once
#include <limits.h>
#include <stddef.h>

struct SQVM;
struct SQCollectable;
struct tagSQObject;

// What one context's interpreter shares with Rust, as `src/ffi/shared.rs` has it. The interpreter's
// shared foreign pointer points to it.
struct CalogShared {
    // Not zero: look whether to stop. Set in signal handlers, too.
    volatile unsigned poll;
    // How many entries run scripts: only there may memory end by unwinding.
    unsigned running;
    // Bytes in use, and how many there may be.
    unsigned long long used, limit;
    void *core;
};

// Slots of one thread's stack of values, after which a recursion is called endless.
#define CALOG_MOST_SLOTS 1000000

// Slots that a call leaves free, for metamethods: within them a stack cannot grow.
#define CALOG_HEADROOM 1000

#define CALOG_POLL(vm) (((CalogShared *)_ss(vm)->_foreignptr)->poll)

// Written in Rust: src/ffi/hooks.rs. All may unwind.
struct CalogHooks {
    bool (*poll)(SQVM *);
    bool (*overflow)(SQVM *);
    bool (*thrown)(SQVM *, long long traps);
    void (*no_memory)();
    void (*stop)(CalogShared *);
    void (*too_deep)();
    void (*print)(SQVM *, const char *, unsigned long long);
    const char *(*permit)(SQVM *, unsigned, const char *);
    bool (*count_output)(SQVM *, unsigned long long);
};

// Whether the code may go on; else an error is raised.
bool calog_poll(SQVM *vm);
// Raises that calls nest too deeply; false.
bool calog_overflow(SQVM *vm);
// An error is on its way through a run of the interpreter. Whether nothing may catch it.
bool calog_thrown(SQVM *vm, long long traps);
// Ends the entry: there is no memory.
void calog_no_memory();
// For natives that take long: ends the entry when the context shall stop, or the C stack ends.
void calog_check();
// Thrown by the compiler, to itself.
struct CalogMisspelt {};

// Memory that may be refused, which ends the entry by unwinding: for places that are left as they were.
void *calog_malloc(unsigned long long size);
void *calog_realloc(void *memory, unsigned long long before, unsigned long long size);
// Refuses so many things of a size beforehand.
void calog_ask(unsigned long long count, unsigned long long each);
// Prints through the host.
void calog_print(SQVM *vm, const char *text, unsigned long long size);

// What the library does beyond the interpreter: the numbers of `Access` in calog's plugin API.
enum CalogAccess { CALOG_READ = 0, CALOG_WRITE = 1, CALOG_PROCESSES = 3, CALOG_ENVIRONMENT = 4 };
// The path that is to be used in the place of this one, which stays as it is for one more question of the
// kind; null, with an error raised, when the context may not.
const char *calog_permit(SQVM *vm, CalogAccess access, const char *path);
// Counts what is written past the host; false, with an error raised, when that is too much.
bool calog_count_output(SQVM *vm, unsigned long long size);
// The path of a file that is opened in a mode.
const char *calog_permit_open(SQVM *vm, const char *path, const char *mode);

// The first place of one text in another, or null.
const char *calog_find(const char *text, size_t size, const char *wanted, size_t wanted_size);
// Below zero, zero or above, as the first is before, the same as or behind the second.
int calog_compare(const char *one, size_t one_size, const char *other, size_t other_size);

// Whether `this` is an instance of the class with this tag, or of one derived from it, and nothing has
// been made of it yet. Else an error is raised.
bool calog_is_new(SQVM *vm, void *tag);

// Where a call's result goes: to the native that made it.
#define CALOG_TO_NATIVE (-2)

// Whether the C stack is used as far as scripts may.
bool calog_stack_is_low();

// No memory is refused while it lives: what runs would not be left as it was.
struct CalogUnrefused {
    CalogUnrefused();
    ~CalogUnrefused();
    CalogShared *shared;
    unsigned running;
};

// Counts how deeply marks nest while it lives; the deepest are left for the outermost to do.
struct CalogMarking {
    CalogMarking(const tagSQObject &object, SQCollectable **chain);
    ~CalogMarking();
    bool deferred, counted;
    SQCollectable **chain;
};

// The C++ side of the hooks: memory that is counted, stacks that are bounded, and releasing and marking
// that do not recurse along a chain of values.
#include "sqpcheader.h"
#include "sqvm.h"
#include "sqstring.h"
#include "sqtable.h"
#include "sqarray.h"
#include "sqfuncproto.h"
#include "sqclosure.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static CalogHooks hooks;

// Whose memory is allocated on this thread now, or null.
static thread_local CalogShared *account;

extern "C" void calog_squirrel_hooks(const CalogHooks *given) { hooks = *given; }

extern "C" CalogShared *calog_squirrel_account(CalogShared *shared)
{
    CalogShared *before = account;
    account = shared;
    return before;
}

bool calog_poll(SQVM *vm) { return hooks.poll(vm); }
bool calog_overflow(SQVM *vm) { return hooks.overflow(vm); }
bool calog_thrown(SQVM *vm, long long traps) { return hooks.thrown(vm, traps); }
void calog_no_memory() { hooks.no_memory(); abort(); }

void calog_print(SQVM *vm, const char *text, unsigned long long size) { hooks.print(vm, text, size); }

const char *calog_permit(SQVM *vm, CalogAccess access, const char *path) { return hooks.permit(vm, access, path); }

bool calog_count_output(SQVM *vm, unsigned long long size) { return hooks.count_output(vm, size); }

const char *calog_permit_open(SQVM *vm, const char *path, const char *mode)
{
    bool writes = strpbrk(mode, "wa+"), reads = strpbrk(mode, "r+");
    const char *place = path;
    if(reads || !writes) place = calog_permit(vm, CALOG_READ, path);
    if(place && writes) place = calog_permit(vm, CALOG_WRITE, path);
    return place;
}

void calog_check()
{
    if(account && account->running && account->poll) hooks.stop(account);
    if(calog_stack_is_low()) hooks.too_deep();
}

// ---- memory ----

// A script that is over its limit is told at its next loop or call. Where the interpreter can stand it,
// what is larger than this, or comes when this much was overdrawn meanwhile, is not allocated at all.
static const unsigned long long LARGE = 64 << 10, OVERDRAFT = 1 << 20;

static void grow(unsigned long long bytes)
{
    CalogShared *shared = account;
    if(!shared) return;
    shared->used += bytes;
    if(shared->used > shared->limit) shared->poll = 1;
}

static void shrink(unsigned long long bytes) { if(account) account->used -= bytes; }

// Ends the entry when so many bytes more are too many.
static void ask(unsigned long long bytes)
{
    CalogShared *shared = account;
    if(!shared || !shared->running || shared->used + bytes <= shared->limit) return;
    if(bytes > LARGE || shared->used + bytes > shared->limit + OVERDRAFT) calog_no_memory();
}

void calog_ask(unsigned long long count, unsigned long long each)
{
    if(count >> 40) calog_no_memory();
    ask(count * each);
}

CalogUnrefused::CalogUnrefused() : shared(account), running(account ? account->running : 0)
{
    if(shared) shared->running = 0;
}

CalogUnrefused::~CalogUnrefused()
{
    if(shared) shared->running = running;
}

void *sq_vm_malloc(SQUnsignedInteger size)
{
    void *memory = malloc(size ? size : 1);
    if(!memory) abort(); // as Rust does; what may be large goes the ways below
    grow(size);
    return memory;
}

void *calog_malloc(unsigned long long size)
{
    ask(size);
    void *memory = malloc(size ? size : 1);
    if(!memory) calog_no_memory();
    grow(size);
    return memory;
}

void *calog_realloc(void *memory, unsigned long long before, unsigned long long size)
{
    if(size > before) ask(size - before);
    void *moved = realloc(memory, size ? size : 1);
    if(!moved) calog_no_memory();
    shrink(before);
    grow(size);
    return moved;
}

void *sq_vm_realloc(void *memory, SQUnsignedInteger before, SQUnsignedInteger size)
{
    return calog_realloc(memory, before, size);
}

void sq_vm_free(void *memory, SQUnsignedInteger size)
{
    if(!memory) return;
    shrink(size);
    free(memory);
}

// ---- strings and instances ----

const char *calog_find(const char *text, size_t size, const char *wanted, size_t wanted_size)
{
    return (const char *)memmem(text, size, wanted, wanted_size);
}

int calog_compare(const char *one, size_t one_size, const char *other, size_t other_size)
{
    int order = memcmp(one, other, one_size < other_size ? one_size : other_size);
    if(order) return order < 0 ? -1 : 1;
    return one_size == other_size ? 0 : one_size < other_size ? -1 : 1;
}

bool calog_is_new(SQVM *vm, void *tag)
{
    SQUserPointer made = NULL;
    if(SQ_SUCCEEDED(sq_getinstanceup(vm, 1, &made, tag)) && !made) return true;
    sq_throwerror(vm, _SC("this cannot be constructed here, or is constructed already"));
    return false;
}

// ---- stack ----

// Scripts keep to the upper half of a thread's stack, and to this much of it; the rest is for what they
// call: the host, other engines, and the pumps nested between them.
static const size_t MOST_STACK = 4 << 20;

// Taken for granted where the system does not tell.
static const size_t USUAL_STACK = 1 << 20;

static char *stack_limit(char *here)
{
#ifdef __linux__
    pthread_attr_t attributes;
    if(pthread_getattr_np(pthread_self(), &attributes) == 0) {
        void *low = NULL;
        size_t size = 0;
        bool known = pthread_attr_getstack(&attributes, &low, &size) == 0;
        pthread_attr_destroy(&attributes);
        if(known) {
            size_t usable = size / 2 < MOST_STACK ? size / 2 : MOST_STACK;
            return (char *)low + (size - usable);
        }
    }
#endif
    return here - USUAL_STACK / 2;
}

bool calog_stack_is_low()
{
    static thread_local char *limit;
    char here;
    if(!limit) limit = stack_limit(&here);
    return &here < limit;
}

// ---- releasing ----

// Releases that nest deeper wait until the outermost is done.
static const unsigned MOST_NESTED = 200;

static thread_local unsigned releasing;
// Dead objects, linked by their counts, which nobody reads any more.
static thread_local SQRefCounted *dead;

void calog_release(SQRefCounted *object)
{
    if(releasing >= MOST_NESTED) {
        object->_uiRef = (SQUnsignedInteger)dead;
        dead = object;
        return;
    }
    releasing++;
    object->Release();
    if(releasing == 1) {
        while(SQRefCounted *next = dead) {
            dead = (SQRefCounted *)next->_uiRef;
            next->_uiRef = 0;
            next->Release();
        }
    }
    releasing--;
}

// ---- marking ----

static thread_local unsigned marking;
static thread_local SQObject *postponed;
static thread_local size_t postponed_count, postponed_room;

static void postpone(const SQObject &object)
{
    if(postponed_count == postponed_room) {
        size_t room = postponed_room ? postponed_room * 2 : 256;
        SQObject *moved = (SQObject *)realloc(postponed, room * sizeof(SQObject));
        if(!moved) abort(); // no object may go unmarked, since it would be freed
        postponed = moved;
        postponed_room = room;
    }
    postponed[postponed_count++] = object;
}

CalogMarking::CalogMarking(const SQObject &object, SQCollectable **chain) : deferred(false), counted(false), chain(chain)
{
    if(!ISREFCOUNTED(sq_type(object))) return;
    if(marking >= MOST_NESTED) {
        postpone(object);
        deferred = true;
        return;
    }
    counted = true;
    marking++;
}

CalogMarking::~CalogMarking()
{
    if(!counted) return;
    if(marking == 1) {
        // Each may postpone more; it counts as nested in this one.
        while(postponed_count) {
            SQObjectPtr next(postponed[--postponed_count]);
            SQSharedState::MarkObject(next, chain);
        }
        free(postponed);
        postponed = NULL;
        postponed_room = 0;
    }
    marking--;
}

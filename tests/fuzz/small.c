/* The least of a plugin file: a header, and one of each thing that the dynamic linker follows. */
#include <stdlib.h>
#include <string.h>

__asm__(".pushsection .calog_plugin,\"a\",@progbits\n.incbin \"header.bin\"\n.popsection");

static char data[64];
char *const pointers[] = {data, data + 8, data + 16};
static __thread int own = 7;

__attribute__((constructor)) static void begin(void) { data[0] = (char)own; }
__attribute__((destructor)) static void end(void) { data[0] = 0; }

void *root(size_t length) {
  void *memory = malloc(length);
  if (memory) memset(memory, own++, length);
  return memory;
}

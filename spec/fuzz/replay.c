/* replay FILE...: each file is an input of the fuzzer, which must be as harmless as when it ran. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Larger ones are not kept. */
static uint8_t bytes[4096];

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    FILE *file = fopen(argv[i], "rb");
    size_t size;
    if (!file) {
      perror(argv[i]);
      return 1;
    }
    size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    fprintf(stderr, "%s\n", argv[i]); /* the last one is that which ended it */
    LLVMFuzzerTestOneInput(bytes, size);
  }
  printf("%d inputs\n", argc - 1);
  return 0;
}

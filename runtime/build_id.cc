#include "runtime/build_id.h"

#include <link.h>

#include <cstring>

namespace qrun {
namespace {

struct Search {
  uintptr_t address;  // in the object that is looked for
  std::string id;
};

size_t AlignNote(size_t bytes) { return (bytes + 3) & ~size_t{3}; }

// The id among the notes in [at, at + bytes), as elf(5) lays them out.
std::string IdInNotes(const char* at, size_t bytes) {
  while (bytes >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    std::memcpy(&note, at, sizeof note);
    const char* name = at + sizeof note;
    const char* content = name + AlignNote(note.n_namesz);
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0) {
      std::string id;
      for (size_t i = 0; i < note.n_descsz; ++i) {
        const unsigned char byte = static_cast<unsigned char>(content[i]);
        id += {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
      }
      return id;
    }
    const size_t size = sizeof note + AlignNote(note.n_namesz) + AlignNote(note.n_descsz);
    if (size > bytes) break;
    at += size;
    bytes -= size;
  }
  return "";
}

int VisitObject(dl_phdr_info* object, size_t, void* context) {
  Search& search = *static_cast<Search*>(context);
  bool holds = false;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& part = object->dlpi_phdr[i];
    const uintptr_t begin = object->dlpi_addr + part.p_vaddr;
    holds |= part.p_type == PT_LOAD && search.address >= begin && search.address - begin < part.p_memsz;
  }
  if (!holds) return 0;
  for (int i = 0; i < object->dlpi_phnum && search.id.empty(); ++i) {
    const auto& part = object->dlpi_phdr[i];
    if (part.p_type != PT_NOTE) continue;
    search.id = IdInNotes(reinterpret_cast<const char*>(object->dlpi_addr + part.p_vaddr), part.p_memsz);
  }
  return 1;
}

}  // namespace

std::string BuildId() {
  Search search{reinterpret_cast<uintptr_t>(&BuildId), ""};
  dl_iterate_phdr(VisitObject, &search);
  return search.id;
}

}  // namespace qrun

// Cat(a, b, ...): one string out of strings and numbers, for error messages.
#ifndef QRUN_SCHEMA_CAT_H_
#define QRUN_SCHEMA_CAT_H_

#include <sstream>
#include <string>

namespace qrun {

template <class... Parts>
std::string Cat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

}  // namespace qrun

#endif  // QRUN_SCHEMA_CAT_H_

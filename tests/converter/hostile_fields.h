// Every field of a protobuf message, one after the other, made hostile.
#ifndef QRUN_TESTS_CONVERTER_HOSTILE_FIELDS_H_
#define QRUN_TESTS_CONVERTER_HOSTILE_FIELDS_H_

#include <google/protobuf/message.h>

#include <functional>
#include <string>

namespace qrun::converter {

// Sets each number in `message` and in the messages inside it (of a list of numbers the first and the last)
// to bounds of its type and of usual limits, changes each text, leaves out each part and doubles the last of
// each list, and calls visit(what was done) each time. Afterwards all is as it was.
void ForEachHostileField(google::protobuf::Message& message,
                         const std::function<void(const std::string&)>& visit);

}  // namespace qrun::converter

#endif  // QRUN_TESTS_CONVERTER_HOSTILE_FIELDS_H_

#include "tests/converter/hostile_fields.h"

#include <google/protobuf/descriptor.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <set>
#include <vector>

namespace qrun::converter {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int64_t kIntegers[] = {0,
                                 1,
                                 -1,
                                 2,
                                 3,
                                 7,
                                 -2,
                                 255,
                                 1 << 16,
                                 1 << 24,
                                 INT32_MAX,
                                 INT32_MIN,
                                 int64_t{1} << 32,
                                 int64_t{1} << 40,
                                 INT64_MAX,
                                 INT64_MIN};
constexpr float kReals[] = {0.0f, -1.0f, 1e-30f, 1e30f, std::numeric_limits<float>::infinity(), NAN};

std::vector<std::string> Texts(const std::string& is) {
  return {"", is + is, is.substr(0, is.size() / 2), is + "x", "x", "../../x", std::string(1000, '\xff')};
}

class Walk {
 public:
  Walk(Message& message, const std::function<void(const std::string&)>& visit, std::string path)
      : message_(message), reflection_(*message.GetReflection()), visit_(visit), path_(std::move(path)) {}

  void Run() {
    for (int i = 0; i < message_.GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor& field = *message_.GetDescriptor()->field(i);
      if (field.is_repeated()) {
        List(field);
      } else if (reflection_.HasField(message_, &field)) {
        Single(field);
      }
    }
  }

 private:
  void Visit(const FieldDescriptor& field, const std::string& what) {
    visit_(path_ + field.name() + " " + what);
  }

  void Inside(Message& part, const FieldDescriptor& field, int index) {
    Walk(part, visit_, path_ + field.name() + (index < 0 ? "" : "[" + std::to_string(index) + "]") + ".")
        .Run();
  }

  // `change` between a copy of the message and its restoration.
  template <class Change>
  void Try(const FieldDescriptor& field, const std::string& what, const Change& change) {
    std::unique_ptr<Message> before(message_.New());
    before->CopyFrom(message_);
    change();
    Visit(field, what);
    message_.CopyFrom(*before);
  }

  void Single(const FieldDescriptor& field) {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
      Inside(*reflection_.MutableMessage(&message_, &field), field, -1);
    Try(field, "left out", [&] { reflection_.ClearField(&message_, &field); });
    const auto each = [&](const auto& values, auto set) {
      for (const auto& value : values) Try(field, "replaced", [&] { set(value); });
    };
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT64:
        return each(kIntegers, [&](int64_t v) { reflection_.SetInt64(&message_, &field, v); });
      case FieldDescriptor::CPPTYPE_INT32:
        return each(kIntegers,
                    [&](int64_t v) { reflection_.SetInt32(&message_, &field, static_cast<int32_t>(v)); });
      case FieldDescriptor::CPPTYPE_ENUM:
        return each(kIntegers,
                    [&](int64_t v) { reflection_.SetEnumValue(&message_, &field, static_cast<int>(v)); });
      case FieldDescriptor::CPPTYPE_FLOAT:
        return each(kReals, [&](float v) { reflection_.SetFloat(&message_, &field, v); });
      case FieldDescriptor::CPPTYPE_STRING:
        return each(Texts(reflection_.GetString(message_, &field)),
                    [&](const std::string& v) { reflection_.SetString(&message_, &field, v); });
      default:
        return;
    }
  }

  void List(const FieldDescriptor& field) {
    const int size = reflection_.FieldSize(message_, &field);
    if (size == 0) return;
    Try(field, "emptied", [&] { reflection_.ClearField(&message_, &field); });
    Try(field, "shortened", [&] { reflection_.RemoveLast(&message_, &field); });
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      for (int i = 0; i < size; ++i)
        Inside(*reflection_.MutableRepeatedMessage(&message_, &field, i), field, i);
      Try(field, "doubled", [&] {
        reflection_.AddMessage(&message_, &field)
            ->CopyFrom(reflection_.GetRepeatedMessage(message_, &field, size - 1));
      });
      return;
    }
    for (int i : std::set<int>{0, size - 1}) Entry(field, i);
  }

  void Entry(const FieldDescriptor& field, int i) {
    const auto each = [&](const auto& values, auto set) {
      for (const auto& value : values) Try(field, "entry replaced", [&] { set(value); });
    };
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT64:
        return each(kIntegers, [&](int64_t v) { reflection_.SetRepeatedInt64(&message_, &field, i, v); });
      case FieldDescriptor::CPPTYPE_FLOAT:
        return each(kReals, [&](float v) { reflection_.SetRepeatedFloat(&message_, &field, i, v); });
      case FieldDescriptor::CPPTYPE_STRING:
        return each(Texts(reflection_.GetRepeatedString(message_, &field, i)),
                    [&](const std::string& v) { reflection_.SetRepeatedString(&message_, &field, i, v); });
      default:
        return;
    }
  }

  Message& message_;
  const Reflection& reflection_;
  const std::function<void(const std::string&)>& visit_;
  const std::string path_;
};

}  // namespace

void ForEachHostileField(Message& message, const std::function<void(const std::string&)>& visit) {
  Walk(message, visit, "").Run();
}

}  // namespace qrun::converter

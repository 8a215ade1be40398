#include <flatbuffers/reflection_generated.h>

#include <bit>
#include <cstring>
#include <limits>

#include "schema/cat.h"
#include "tests/fuzz/scalars.h"

namespace qrun::tests {
namespace {

using flatbuffers::Table;
using reflection::BaseType;

constexpr uint32_t kEntries = 3;  // of a list of numbers, at either end

int SizeOf(BaseType type) {
  switch (type) {
    case reflection::UType:
    case reflection::Bool:
    case reflection::Byte:
    case reflection::UByte:
      return 1;
    case reflection::Short:
    case reflection::UShort:
      return 2;
    case reflection::Int:
    case reflection::UInt:
    case reflection::Float:
      return 4;
    case reflection::Long:
    case reflection::ULong:
    case reflection::Double:
      return 8;
    default:
      return 0;  // not a number
  }
}

class Walk {
 public:
  Walk(std::span<const std::byte> bytes, const reflection::Schema& schema)
      : start_(reinterpret_cast<const uint8_t*>(bytes.data())), schema_(schema) {}

  void Visit(const Table& table, const reflection::Object& type, const std::string& path) {
    AddNumber(reinterpret_cast<const uint8_t*>(&table), reflection::Int, path + "vtable.offset");
    for (const reflection::Field* field : *type.fields()) {
      const auto at = table.GetOptionalFieldOffset(field->offset());
      if (at == 0) continue;
      const uint8_t* const place = reinterpret_cast<const uint8_t*>(&table) + at;
      VisitField(table, place, type, *field, path + field->name()->str());
    }
  }

  std::vector<Scalar> Take() { return std::move(found_); }

 private:
  void AddNumber(const uint8_t* place, BaseType type, const std::string& path) {
    const bool is_float = type == reflection::Float || type == reflection::Double;
    found_.push_back({static_cast<size_t>(place - start_), SizeOf(type), is_float, path});
  }

  static const uint8_t* Follow(const uint8_t* place) {
    return place + flatbuffers::ReadScalar<flatbuffers::uoffset_t>(place);
  }
  static const Table& TableAt(const uint8_t* place) { return *reinterpret_cast<const Table*>(Follow(place)); }

  void VisitField(const Table& table, const uint8_t* place, const reflection::Object& owner,
                  const reflection::Field& field, const std::string& path) {
    const reflection::Type& type = *field.type();
    if (SizeOf(type.base_type()) != 0) return AddNumber(place, type.base_type(), path);
    if (type.base_type() == reflection::Obj && schema_.objects()->Get(type.index())->is_struct()) {
      return VisitStruct(place, *schema_.objects()->Get(type.index()), path);
    }
    AddNumber(place, reflection::UInt, path + ".offset");
    if (type.base_type() == reflection::String) {
      AddNumber(Follow(place), reflection::UInt, path + ".length");
    } else if (type.base_type() == reflection::Obj) {
      Visit(TableAt(place), *schema_.objects()->Get(type.index()), path + ".");
    } else if (type.base_type() == reflection::Union) {
      const auto* tag = owner.fields()->LookupByKey((field.name()->str() + "_type").c_str());
      const int member = table.GetField<uint8_t>(tag->offset(), 0);
      const auto* value = schema_.enums()->Get(type.index())->values()->LookupByKey(member);
      Visit(TableAt(place), *schema_.objects()->Get(value->union_type()->index()), path + ".");
    } else {
      VisitList(Follow(place), type, path);
    }
  }

  void VisitStruct(const uint8_t* place, const reflection::Object& type, const std::string& path) {
    for (const reflection::Field* field : *type.fields()) {
      AddNumber(place + field->offset(), field->type()->base_type(), path + "." + field->name()->str());
    }
  }

  void VisitList(const uint8_t* place, const reflection::Type& type, const std::string& path) {
    AddNumber(place, reflection::UInt, path + ".length");
    const uint32_t length = flatbuffers::ReadScalar<uint32_t>(place);
    const bool of_numbers = SizeOf(type.element()) != 0;
    const int stride = of_numbers ? SizeOf(type.element()) : 4;
    for (uint32_t i = 0; i < length; ++i) {
      const uint8_t* const entry = place + 4 + size_t{i} * stride;
      const std::string name = Cat(path, "[", i, "]");
      if (of_numbers) {
        if (i < kEntries || i + kEntries >= length) AddNumber(entry, type.element(), name);
        continue;
      }
      AddNumber(entry, reflection::UInt, name + ".offset");
      if (type.element() == reflection::Obj) {
        Visit(TableAt(entry), *schema_.objects()->Get(type.index()), name + ".");
      }
    }
  }

  const uint8_t* const start_;
  const reflection::Schema& schema_;
  std::vector<Scalar> found_;
};

uint64_t ReadScalar(std::span<const std::byte> bytes, const Scalar& scalar) {
  uint64_t value = 0;
  std::memcpy(&value, bytes.data() + scalar.at, scalar.size);
  return value;
}

}  // namespace

std::vector<Scalar> FindScalars(std::span<const std::byte> bytes, std::span<const std::byte> schema) {
  const reflection::Schema& parsed = *reflection::GetSchema(schema.data());
  Walk walk(bytes, parsed);
  walk.Visit(*flatbuffers::GetRoot<Table>(bytes.data()), *parsed.root_table(), "");
  return walk.Take();
}

std::vector<uint64_t> HostileValues(std::span<const std::byte> bytes, const Scalar& scalar) {
  const uint64_t now = ReadScalar(bytes, scalar);
  std::vector<uint64_t> values;
  if (scalar.is_float) {
    using Limits = std::numeric_limits<float>;
    const float is = std::bit_cast<float>(static_cast<uint32_t>(now));
    for (float value : {0.0f, -0.0f, 1.0f, -1.0f, Limits::quiet_NaN(), Limits::infinity(),
                        -Limits::infinity(), Limits::max(), -Limits::max(), Limits::min(),
                        Limits::denorm_min(), 1e30f, 1e-30f, 6.0f, is * 2, is * 1e4f, is * 1e-4f, -is}) {
      values.push_back(std::bit_cast<uint32_t>(value));
    }
    return values;
  }
  for (int64_t value :
       {0,  1,    2,    3,   4,   6,   7,   9,    15,    17,    18,    19,      64,      -1,     -2,
        -3, -128, -129, 127, 128, 255, 256, 4096, 16384, 32767, 65536, 1 << 20, 1 << 24, 1 << 28}) {
    values.push_back(static_cast<uint64_t>(value));
  }
  for (int64_t delta : {-64, -8, -4, -2, -1, 1, 2, 4, 8, 64})
    values.push_back(now + static_cast<uint64_t>(delta));
  values.push_back(now * 2);
  values.push_back(now / 2);
  const int bits = 8 * scalar.size;
  values.push_back(uint64_t{1} << (bits - 1));        // the least
  values.push_back((uint64_t{1} << (bits - 1)) - 1);  // the greatest, where there is a sign
  values.push_back(uint64_t{1} << (bits - 2));
  return values;
}

void WriteScalar(std::span<std::byte> bytes, const Scalar& scalar, uint64_t value) {
  std::memcpy(bytes.data() + scalar.at, &value, scalar.size);
}

}  // namespace qrun::tests

// Status and Result: how every fallible function above the kernels reports an error.
//
// A Status is either ok or a code with one sentence that says what was wrong, where, what was expected and
// what to do. The libraries never print, abort or throw; only the command line tools talk.
// Thread safety: plain values; safe to copy between threads.
#ifndef QRUN_SCHEMA_STATUS_H_
#define QRUN_SCHEMA_STATUS_H_

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace qrun {

enum class StatusCode : int {
  kOk = 0,
  kIo = 1,               // a file cannot be opened, read, written or renamed
  kInvalidModel = 2,     // the bytes are not a well-formed model
  kUnsupported = 3,      // well-formed, but outside of what this build can do
  kInvalidArgument = 4,  // the caller's argument is wrong
  kResourceLimit = 5,    // a declared limit (memory, size, count) would be exceeded
  kInternal = 6,         // a bug of ours: a broken invariant
};

// Lower-case name of a code, e.g. "invalid_model".
std::string_view StatusCodeName(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  static Status Ok() { return Status(); }
  static Status Io(std::string message) { return {StatusCode::kIo, std::move(message)}; }
  static Status InvalidModel(std::string message) { return {StatusCode::kInvalidModel, std::move(message)}; }
  static Status Unsupported(std::string message) { return {StatusCode::kUnsupported, std::move(message)}; }
  static Status InvalidArgument(std::string message) {
    return {StatusCode::kInvalidArgument, std::move(message)};
  }
  static Status ResourceLimit(std::string message) {
    return {StatusCode::kResourceLimit, std::move(message)};
  }
  static Status Internal(std::string message) { return {StatusCode::kInternal, std::move(message)}; }

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // The same error with "prefix: " before its message: callers add where it happened.
  Status Annotate(std::string_view prefix) const {
    if (ok()) return *this;
    return {code_, std::string(prefix) + ": " + message_};
  }

  // "invalid_model: <message>", or "ok".
  std::string ToString() const;

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

// A T or a Status that is not ok.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Status> {
 public:
  using Base = tl::expected<T, Status>;
  using Base::Base;
  Result(Status error) : Base(tl::unexpect, std::move(error)) {}  // NOLINT: implicit on purpose
  bool ok() const { return this->has_value(); }
};

}  // namespace qrun

// Returns the Status of `expr` from the calling function unless it is ok.
#define QRUN_RETURN_IF_ERROR(expr)                                                     \
  do {                                                                                 \
    if (::qrun::Status qrun_status_ = (expr); !qrun_status_.ok()) return qrun_status_; \
  } while (0)

// QRUN_ASSIGN_OR_RETURN(auto x, F()): x = *F(), or returns the error from the calling function.
#define QRUN_ASSIGN_OR_RETURN(declaration, expr) \
  QRUN_ASSIGN_OR_RETURN_(QRUN_CONCAT_(qrun_result_, __LINE__), declaration, expr)
#define QRUN_ASSIGN_OR_RETURN_(result, declaration, expr) \
  auto result = (expr);                                   \
  if (!result.has_value()) return result.error();         \
  declaration = *std::move(result)
#define QRUN_CONCAT_(a, b) QRUN_CONCAT2_(a, b)
#define QRUN_CONCAT2_(a, b) a##b

#endif  // QRUN_SCHEMA_STATUS_H_

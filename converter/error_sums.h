// How far a stream of values is from a reference, in bounded memory.
#ifndef QRUN_CONVERTER_ERROR_SUMS_H_
#define QRUN_CONVERTER_ERROR_SUMS_H_

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace qrun::converter {

class ErrorSums {
 public:
  // Precondition: equal sizes.
  void Add(std::span<const float> reference, std::span<const float> candidate) {
    for (size_t i = 0; i < reference.size(); ++i) {
      const double f = reference[i], q = candidate[i];
      reference_squared_ += f * f;
      candidate_squared_ += q * q;
      product_ += f * q;
      error_squared_ += (f - q) * (f - q);
    }
  }

  // The same over what both saw.
  void Add(const ErrorSums& other) {
    reference_squared_ += other.reference_squared_;
    candidate_squared_ += other.candidate_squared_;
    product_ += other.product_;
    error_squared_ += other.error_squared_;
  }

  // sum (f - q)^2 / sum f^2; 0 if equal.
  double RelativeError() const { return error_squared_ == 0 ? 0 : error_squared_ / reference_squared_; }
  // 10 log10(sum f^2 / sum (f - q)^2); infinite if equal.
  double SqnrDb() const {
    if (error_squared_ == 0) return std::numeric_limits<double>::infinity();
    return 10 * std::log10(reference_squared_ / error_squared_);
  }
  // Of everything as one vector; 1 if both are 0.
  double Cosine() const {
    const double norms = std::sqrt(reference_squared_) * std::sqrt(candidate_squared_);
    if (norms > 0) return product_ / norms;
    return reference_squared_ == candidate_squared_ ? 1.0 : 0.0;
  }

 private:
  double reference_squared_ = 0, candidate_squared_ = 0, product_ = 0, error_squared_ = 0;
};

}  // namespace qrun::converter

#endif  // QRUN_CONVERTER_ERROR_SUMS_H_

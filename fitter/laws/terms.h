// Writes the tables of the law families down, term by term:
//
//   TermBuilder builder(&law);
//   builder.Add("data").Coefficient("beta", "nats").Exponent("gamma", kMinusLog...);

#ifndef BITBUDGET_FITTER_LAWS_TERMS_H_
#define BITBUDGET_FITTER_LAWS_TERMS_H_

#include <string>

#include "fitter/law.h"

namespace bitbudget::fitter {

// Adds terms, and the parameters they name, to a law. Borrows the law.
class TermBuilder {
 public:
  explicit TermBuilder(Law* law) : law_(law) {}

  // Begins a term; what follows belongs to it.
  TermBuilder& Add(const std::string& name);
  TermBuilder& QuantizedOnly();
  TermBuilder& OnlyAt(double weight_bits);
  TermBuilder& OnlyWith(int optimizer);

  // The coefficient of the term, > 0.
  TermBuilder& Coefficient(const std::string& name, const std::string& unit);

  // An exponent; a name that the law has already is the same parameter.
  TermBuilder& Exponent(const std::string& name, Feature feature);

 private:
  int AddParameter(Parameter parameter);

  Law* law_;
};

// E + A / N^alpha + B / D^beta, on which several families build.
void AddChinchillaTerms(TermBuilder* builder);

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_LAWS_TERMS_H_

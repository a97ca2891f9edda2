// Rules that all planning questions share.

#ifndef BITBUDGET_SERVER_VALIDATE_QUESTION_H_
#define BITBUDGET_SERVER_VALIDATE_QUESTION_H_

#include "bitbudget/v1/common.pb.h"
#include "bitbudget/v1/planner.pb.h"
#include "server/field_rules.h"

namespace bitbudget::server {

void CheckSource(FieldViolations& violations, const v1::LawSource& source);

// `has_parameters` says whether the question is about one size.
void CheckMemoryModel(FieldViolations& violations,
                      const v1::MemoryModel& model,
                      bool has_parameters);

void CheckHardware(FieldViolations& violations, const v1::Hardware& hardware);

template <typename Request>
void CheckConfidence(FieldViolations& violations, const Request& request) {
  if (request.has_confidence_level()) {
    CheckProbability(violations, "confidence_level", request.confidence_level());
  }
}

}  // namespace bitbudget::server

#endif  // BITBUDGET_SERVER_VALIDATE_QUESTION_H_

// The catalogue of published_laws.h as it was typed in; see there.

#ifndef BITBUDGET_FITTER_PUBLISHED_CATALOGUE_H_
#define BITBUDGET_FITTER_PUBLISHED_CATALOGUE_H_

#include <vector>

#include "fitter/published_laws.h"

namespace bitbudget::fitter {

std::vector<PublishedLaw> PublishedCatalogue();

}  // namespace bitbudget::fitter

#endif  // BITBUDGET_FITTER_PUBLISHED_CATALOGUE_H_

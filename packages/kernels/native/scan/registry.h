// The emitted neurons that this process has loaded, by name.
#pragma once
#include <string>

#include "neuron.h"

namespace bidl {

/// The neuron with this name, or null. It stays.
const BidlNeuron* find_neuron(const std::string& name);

/// Loads an emitted library for good. Returns "", or why it can't be used.
std::string load_neurons(const std::string& path);

}  // namespace bidl

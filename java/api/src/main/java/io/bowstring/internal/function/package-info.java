/** What runs: method references, and functions of other languages, by name (spec section 2.3). */
@NullMarked
package io.bowstring.internal.function;

import org.jspecify.annotations.NullMarked;

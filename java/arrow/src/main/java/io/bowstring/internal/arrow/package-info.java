/** Arrow IPC streams over memory of the store. */
@NullMarked
package io.bowstring.internal.arrow;

import org.jspecify.annotations.NullMarked;

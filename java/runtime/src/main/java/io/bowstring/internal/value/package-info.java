/** Values and their encodings (spec chapter 3), without processes and sockets. */
@NullMarked
package io.bowstring.internal.value;

import org.jspecify.annotations.NullMarked;

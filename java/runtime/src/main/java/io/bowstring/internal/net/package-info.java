/** Connections: one thread that reads all of them, and writes that any thread may make (spec chapter 1). */
@NullMarked
package io.bowstring.internal.net;

import org.jspecify.annotations.NullMarked;

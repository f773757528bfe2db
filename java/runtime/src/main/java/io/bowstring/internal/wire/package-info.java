/** Frames and tables of the wire (spec chapter 1). All but the codec's pieces and frames is generated. */
@NullMarked
package io.bowstring.internal.wire;

import org.jspecify.annotations.NullMarked;

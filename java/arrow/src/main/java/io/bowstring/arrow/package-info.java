/** Arrow data as values: read from the pages where they lie, whichever language wrote them. */
@NullMarked
package io.bowstring.arrow;

import org.jspecify.annotations.NullMarked;

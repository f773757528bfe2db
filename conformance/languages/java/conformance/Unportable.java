package conformance;

import java.io.Serial;
import java.io.Serializable;

/** A value that only Java can hold. */
final class Unportable implements Serializable {
    @Serial private static final long serialVersionUID = 1L;

    @Override
    public boolean equals(Object other) {
        return other instanceof Unportable;
    }

    @Override
    public int hashCode() {
        return 0;
    }
}

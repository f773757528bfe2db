package io.bowstring;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@link Bowstring#wait} found, each list in the order of the question.
 *
 * @param ready references whose values are there; at most as many as were asked for
 * @param unready the rest
 * @param <T> type of the values
 */
public record WaitResult<T extends @Nullable Object>(List<ObjectRef<T>> ready, List<ObjectRef<T>> unready) {}

package io.bowstring;

import org.jspecify.annotations.Nullable;

/**
 * What the class of an actor with checkpoints implements (spec section 5.4). Such an actor loses no call and applies none
 * twice, whenever its process is killed: it is made where its checkpoint interval is set.
 *
 * <pre>{@code
 * public final class Account implements Checkpointed<Long> {
 *     private long balance;
 *
 *     public long deposit(long amount) {
 *         return balance += amount;
 *     }
 *
 *     public Long saveCheckpoint() {
 *         return balance;
 *     }
 *
 *     public void restoreCheckpoint(Long state) {
 *         balance = state;
 *     }
 * }
 * }</pre>
 *
 * <p>Calls since the last checkpoint run again, in the same order, when the actor is restarted. So methods must be
 * repeatable: the same state and arguments lead to the same state.
 *
 * @param <S> class of the state: serializable, references and handles included
 */
public interface Checkpointed<S extends @Nullable Object> {
    /**
     * The actor's state, from which another process can go on. Called between two calls; it is serialized before the
     * next one starts.
     *
     * @return the state, serialized as a value that is put is
     * @throws Exception why the state can't be saved now; it is tried again later
     */
    S saveCheckpoint() throws Exception;

    /**
     * Takes over a state that was saved. Called once, after the constructor and before any call.
     *
     * @param state what {@link #saveCheckpoint} returned; a copy
     * @throws Exception why it can't be; the actor is dead then
     */
    void restoreCheckpoint(S state) throws Exception;
}

package io.bowstring.process;

import io.bowstring.ActorHandle;
import io.bowstring.Bowstring;
import io.bowstring.ObjectRef;
import io.bowstring.RuntimeContext;

/** An actor that knows what it is. */
public class Knowing {
    public Knowing() {}

    public String who() {
        RuntimeContext here = Bowstring.getRuntimeContext();
        return here.actorName() + " " + here.taskName() + " " + here.restarted();
    }

    /** A call of its own, which runs behind this one. */
    public ObjectRef<String> askYourself() {
        ActorHandle<Knowing> self = Bowstring.currentActor();
        return self.task(Knowing::who).remote();
    }
}

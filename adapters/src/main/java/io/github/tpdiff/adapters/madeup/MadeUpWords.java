package io.github.tpdiff.adapters.madeup;

import java.util.List;

/** Words that made-up tokenizers know whole; others they spell. */
public final class MadeUpWords {
  public static final List<String> ALL =
      List.of(
          ("a an the of in on and with over under from to at is are video red green blue yellow"
                  + " orange purple white black grey pink cyan magenta bright dark soft sharp ball"
                  + " circle square triangle disc ring bar star block shape shapes dot line wave"
                  + " sun moon sky sea water fire snow wind grass field city street car cat dog"
                  + " fox bird fish moving moves rolling rolls bouncing bounces turning turns"
                  + " spinning spins rising rises falling falls growing grows shrinking shrinks"
                  + " sliding slides drifting drifts left right up down slowly quickly fast slow"
                  + " across around towards away small large big tiny low high quality blurry"
                  + " background foreground camera light")
              .split(" "));

  private MadeUpWords() {}
}

package io.github.tpdiff.conformance.model;

import io.github.tpdiff.conformance.golden.Arguments;
import io.github.tpdiff.conformance.golden.CaseException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What a case says about an autoencoder of Wan that has no configuration of its own: {@code
 * config}, as the authors name sizes, {@code latents_mean} and {@code latents_std}.
 */
public final class WanVaeArguments {
  private WanVaeArguments() {}

  /** By the names of a configuration file. */
  public static Map<String, Object> told(Arguments args) {
    var told = new HashMap<String, Object>();
    Optional<Arguments> config = args.findGroup("config");
    for (String size : new String[] {"dim", "dec_dim", "z_dim", "num_res_blocks"}) {
      config.flatMap(said -> said.findInteger(size)).ifPresent(said -> told.put(size, said));
    }
    config
        .flatMap(said -> said.findIntegers("dim_mult"))
        .ifPresent(said -> told.put("dim_mult", said));
    config
        .flatMap(said -> said.findFlags("temperal_downsample"))
        .ifPresent(said -> told.put("temperal_downsample", said));
    config
        .flatMap(said -> said.findNumbers("attn_scales"))
        .filter(scales -> !scales.isEmpty())
        .ifPresent(
            scales -> {
              throw new CaseException("args.config.attn_scales: expected none, found " + scales);
            });
    config.ifPresent(said -> said.passOver("dropout")); // nothing drops out at inference
    for (String statistic : new String[] {"latents_mean", "latents_std"}) {
      args.findNumbers(statistic).ifPresent(said -> told.put(statistic, said));
    }
    return told;
  }
}
